/** Shows each camera's one canvas wherever it is wanted last, so that a picture moves between places without a gap. */

import type { Painter, Surface } from "./painter.js";

interface Shared {
  readonly surface: Surface;
  /** The elements that want the canvas; the last one has it. */
  readonly places: Element[];
}

export class SharedCanvases {
  private readonly shared = new Map<string, Shared>();

  constructor(private readonly painter: Pick<Painter, "open">) {}

  /** Puts the canvas of the camera into `place`. Returns the function that gives it back to the place before. */
  claim(cameraId: string, place: Element): () => void {
    let shared = this.shared.get(cameraId);
    if (!shared) {
      shared = { surface: this.painter.open(cameraId), places: [] };
      shared.surface.canvas.className = "sky-canvas";
      this.shared.set(cameraId, shared);
    }
    const { surface, places } = shared;
    places.push(place);
    place.append(surface.canvas);
    return () => {
      const index = places.lastIndexOf(place);
      if (index < 0) return;
      places.splice(index, 1);
      const next = places.at(-1);
      if (next) {
        if (surface.canvas.parentElement !== next) next.append(surface.canvas);
        return;
      }
      this.shared.delete(cameraId);
      surface.canvas.remove();
      surface.close();
    };
  }

  /** Returns the surface of a camera that is shown somewhere. */
  surfaceOf(cameraId: string): Surface | undefined {
    return this.shared.get(cameraId)?.surface;
  }
}
