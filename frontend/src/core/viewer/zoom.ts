/** Which part of a picture is shown: the arithmetic of zooming and panning. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** `scale` 1 shows the whole picture. `x` and `y` are the middle of what is shown, 0 to 1 across the picture. */
export interface Zoom {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

export const WHOLE: Zoom = { scale: 1, x: 0.5, y: 0.5 };
export const MAX_ZOOM = 12;

/** Returns the size of a picture of this aspect ratio if it is shown whole in `stage`. */
export function contained(aspect: number, stage: Size): Size {
  const width = Math.min(stage.width, stage.height * aspect);
  return { width, height: width / aspect };
}

/** Returns the part of the picture that is shown in each direction, 0 to 1. */
export function visiblePart({ scale }: Zoom, aspect: number, stage: Size): Size {
  const { width, height } = contained(aspect, stage);
  if (width <= 0 || height <= 0) return { width: 1, height: 1 };
  return {
    width: Math.min(1, stage.width / (width * scale)),
    height: Math.min(1, stage.height / (height * scale)),
  };
}

/** Zooms by `factor` so that the point of the picture at `point` (pixels from the middle of the stage) stays there. */
export function zoomAt(
  zoom: Zoom,
  factor: number,
  point: { readonly x: number; readonly y: number },
  aspect: number,
  stage: Size,
): Zoom {
  const scale = Math.min(MAX_ZOOM, Math.max(1, zoom.scale * factor));
  const { width, height } = contained(aspect, stage);
  if (width <= 0 || height <= 0) return zoom;
  const shift = 1 / zoom.scale - 1 / scale;
  return limit(
    { scale, x: zoom.x + (point.x / width) * shift, y: zoom.y + (point.y / height) * shift },
    aspect,
    stage,
  );
}

/** Moves the picture by pixels of the screen. */
export function panBy(zoom: Zoom, dx: number, dy: number, aspect: number, stage: Size): Zoom {
  const { width, height } = contained(aspect, stage);
  if (width <= 0 || height <= 0) return zoom;
  return limit(
    { ...zoom, x: zoom.x - dx / (width * zoom.scale), y: zoom.y - dy / (height * zoom.scale) },
    aspect,
    stage,
  );
}

/** Keeps the picture on the stage: where it is larger than the stage, it covers the stage. */
export function limit(zoom: Zoom, aspect: number, stage: Size): Zoom {
  const part = visiblePart(zoom, aspect, stage);
  return {
    scale: zoom.scale,
    x: clamp(zoom.x, part.width / 2, 1 - part.width / 2),
    y: clamp(zoom.y, part.height / 2, 1 - part.height / 2),
  };
}

/** Returns the CSS transform of an element that fills the stage and has the picture in its middle. */
export function transformOf({ scale, x, y }: Zoom, aspect: number, stage: Size): string {
  if (scale === 1) return "none";
  const { width, height } = contained(aspect, stage);
  return `translate(${((0.5 - x) * width * scale).toFixed(1)}px, ${((0.5 - y) * height * scale).toFixed(1)}px) scale(${scale.toFixed(3)})`;
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(value, most));
}
