import { describe, expect, it } from "vitest";
import {
  contained,
  limit,
  MAX_ZOOM,
  panBy,
  transformOf,
  visiblePart,
  WHOLE,
  zoomAt,
} from "../../../src/core/viewer/zoom.js";

const STAGE = { width: 1600, height: 900 };
const WIDE = 16 / 9;

describe("zooming", () => {
  it("keeps the point under the pointer where it is", () => {
    const point = { x: 400, y: -225 };
    const zoom = zoomAt(WHOLE, 2, point, WIDE, STAGE);
    // The point was at 3/4 and 1/4 of the picture, and still is.
    const at = (position: number, offset: number, size: number) => position + offset / (size * zoom.scale);
    expect(at(zoom.x, point.x, 1600)).toBeCloseTo(0.75);
    expect(at(zoom.y, point.y, 900)).toBeCloseTo(0.25);
  });

  it("has limits, and the whole picture is in the middle", () => {
    expect(zoomAt(WHOLE, 1000, { x: 0, y: 0 }, WIDE, STAGE).scale).toBe(MAX_ZOOM);
    const back = zoomAt(zoomAt(WHOLE, 3, { x: 700, y: 400 }, WIDE, STAGE), 0.1, { x: -9, y: 5 }, WIDE, STAGE);
    expect(back).toEqual(WHOLE);
  });

  it("pans only as far as the picture reaches", () => {
    const zoom = zoomAt(WHOLE, 2, { x: 0, y: 0 }, WIDE, STAGE);
    expect(panBy(zoom, 160, 0, WIDE, STAGE).x).toBeCloseTo(0.45);
    expect(panBy(zoom, 1e6, -1e6, WIDE, STAGE)).toEqual({ scale: 2, x: 0.25, y: 0.75 });
    expect(panBy(WHOLE, 500, 500, WIDE, STAGE)).toEqual(WHOLE);
  });

  it("keeps a tall picture in the middle until it is wider than the stage", () => {
    const tall = zoomAt(WHOLE, 2, { x: 100, y: 0 }, 9 / 16, STAGE);
    expect(tall.x).toBe(0.5);
    expect(visiblePart(tall, 9 / 16, STAGE)).toEqual({ width: 1, height: 0.5 });
  });

  it("is a transform of the element", () => {
    expect(transformOf(WHOLE, WIDE, STAGE)).toBe("none");
    expect(transformOf({ scale: 2, x: 0.25, y: 0.5 }, WIDE, STAGE)).toBe(
      "translate(800.0px, 0.0px) scale(2.000)",
    );
  });

  it("does nothing while there is no stage", () => {
    const none = { width: 0, height: 0 };
    expect(contained(WIDE, none)).toEqual({ width: 0, height: 0 });
    expect(zoomAt(WHOLE, 2, { x: 1, y: 1 }, WIDE, none)).toBe(WHOLE);
    expect(panBy(WHOLE, 1, 1, WIDE, none)).toBe(WHOLE);
    expect(limit(WHOLE, WIDE, none)).toEqual(WHOLE);
  });
});
