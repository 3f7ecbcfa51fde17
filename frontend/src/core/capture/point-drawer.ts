/** Draws the small grey picture in which changes are looked for. */

import { DRAWN, pointsOf, POINTS_HEIGHT, POINTS_WIDTH } from "./change-meter.js";

type Context = OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D;

export const DRAWN_WIDTH = POINTS_WIDTH * DRAWN;
export const DRAWN_HEIGHT = POINTS_HEIGHT * DRAWN;
/** The canvas is in memory, because the picture is read back each time. */
export const DRAWN_OPTIONS: CanvasRenderingContext2DSettings = { alpha: false, willReadFrequently: true };

/** Returns a function that draws a picture into a context, which is made when it is needed. */
export function pointDrawer(
  makeContext: () => Context | null,
): (source: CanvasImageSource) => Uint8Array<ArrayBuffer> | undefined {
  let context: Context | null | undefined;
  return (source) => {
    context ??= makeContext();
    if (!context) return undefined;
    try {
      context.imageSmoothingQuality = "high";
      context.drawImage(source, 0, 0, DRAWN_WIDTH, DRAWN_HEIGHT);
      return pointsOf(context.getImageData(0, 0, DRAWN_WIDTH, DRAWN_HEIGHT).data);
    } catch {
      // Some browsers forbid to read a canvas, so that pages cannot recognize the device.
      return undefined;
    }
  };
}
