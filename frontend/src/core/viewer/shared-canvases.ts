/** Shows each camera's one canvas where it is wanted most, so that a picture moves between places without a gap. */

import type { Painter, Surface } from "./painter.js";

interface Claim {
  readonly place: Element;
  readonly rank: number;
}

interface Shared {
  readonly surface: Surface;
  /** Those that want the canvas, in the order of their ranks; the last one has it. */
  readonly claims: Claim[];
}

export class SharedCanvases {
  private readonly shared = new Map<string, Shared>();

  constructor(private readonly painter: Pick<Painter, "open">) {}

  /**
   * Puts the canvas of the camera into `place`, unless a place of a higher rank wants it too. Among places of the same rank
   * the last one has it. Returns the function that gives the canvas back.
   */
  claim(cameraId: string, place: Element, rank: number): () => void {
    let shared = this.shared.get(cameraId);
    if (!shared) {
      shared = { surface: this.painter.open(cameraId), claims: [] };
      shared.surface.canvas.className = "sky-canvas";
      this.shared.set(cameraId, shared);
    }
    const { surface, claims } = shared;
    const claim: Claim = { place, rank };
    const above = claims.findIndex((other) => other.rank > rank);
    claims.splice(above < 0 ? claims.length : above, 0, claim);
    moveToLast(shared);
    return () => {
      const index = claims.indexOf(claim);
      if (index < 0) return;
      claims.splice(index, 1);
      if (claims.length > 0) {
        moveToLast(shared);
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

function moveToLast({ surface: { canvas }, claims }: Shared): void {
  const place = claims.at(-1)?.place;
  // An element that is moved to where it is already would be painted again.
  if (place && canvas.parentElement !== place) place.append(canvas);
}
