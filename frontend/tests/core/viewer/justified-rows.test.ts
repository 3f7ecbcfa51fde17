import { describe, expect, it } from "vitest";
import { fillSpace, fillWidth, GAP, type Place } from "../../../src/core/viewer/justified-rows.js";

const WIDE = 16 / 9;
const SHAPES = [WIDE, 4 / 3, 9 / 16, 3, 1, 3 / 4];
const area = (places: readonly Place[]) => places.reduce((sum, { width, height }) => sum + width * height, 0);
const right = ({ left, width }: Place) => left + width;
const bottom = ({ top, height }: Place) => top + height;
/** Returns the width of the widest bar beside or above a picture that is shown whole in its place. */
function widestBar(aspect: number, { width, height }: Place): number {
  return Math.max(width - height * aspect, height - width / aspect) / 2;
}

describe("pictures in a space", () => {
  it.each([1, 2, 3, 4, 7, 9, 10, 16, 30])("%i of any shape fit, do not overlap and have no bars", (count) => {
    const aspects = Array.from({ length: count }, (_, index) => SHAPES[index % SHAPES.length] ?? WIDE);
    for (const space of [
      { width: 1428, height: 844 },
      { width: 3820, height: 2090 },
      { width: 700, height: 1200 },
    ]) {
      const places = fillSpace(aspects, space);
      expect(places).toHaveLength(count);
      places.forEach((place, index) => {
        expect(place.left).toBeGreaterThanOrEqual(0);
        expect(place.top).toBeGreaterThanOrEqual(0);
        expect(right(place)).toBeLessThanOrEqual(space.width + 1);
        expect(bottom(place)).toBeLessThanOrEqual(space.height + 1);
        expect(widestBar(aspects[index] ?? 1, place)).toBeLessThan(2);
        for (const other of places.slice(index + 1)) {
          const apart =
            other.left >= right(place) + GAP - 1 ||
            other.top >= bottom(place) + GAP - 1 ||
            other.top > place.top;
          expect(apart).toBe(true);
        }
      });
    }
  });

  it("uses much more of a window of 1440 by 900 than tiles with bars of figures did", () => {
    const space = { width: 1428, height: 844 };
    // Width of a picture of 16:9 in the window before: 1, 4, 9 and 16 cameras.
    const before = { 1: 1238, 4: 547, 9: 308, 16: 345 };
    const ratio = (count: 1 | 4 | 9 | 16) =>
      area(fillSpace(Array<number>(count).fill(WIDE), space)) / (count * before[count] ** 2 * (9 / 16));
    expect(ratio(1)).toBeGreaterThan(1);
    expect(ratio(4)).toBeGreaterThan(1.6);
    expect(ratio(9)).toBeGreaterThan(2);
    expect(fillSpace(Array<number>(16).fill(WIDE), space).every(({ width }) => width > 340)).toBe(true);
  });

  it("are nowhere while there is no space", () => {
    expect(fillSpace([1, 1], { width: 0, height: 0 }).every(({ width }) => width === 0)).toBe(true);
    expect(fillSpace([], { width: 100, height: 100 })).toEqual([]);
  });
});

describe("pictures on a page that scrolls", () => {
  it("fill the width in rows of about two", () => {
    const places = fillWidth(Array<number>(6).fill(WIDE), 378, 2);
    expect(new Set(places.map(({ top }) => top)).size).toBe(3);
    expect(Math.max(...places.map(right))).toBe(378);
  });

  it("leave no bars, and a single picture is not stretched to a giant", () => {
    const places = fillWidth(SHAPES, 378, 2);
    places.forEach((place, index) => expect(widestBar(SHAPES[index] ?? 1, place)).toBeLessThan(2));
    expect(fillWidth([9 / 16], 378, 2)[0]?.height).toBeLessThan(200);
  });
});
