import { describe, expect, it } from "vitest";
import { isLayout, layOut } from "../../../src/core/viewer/wall-layout.js";

const wide = (count: number) => Array<number>(count).fill(16 / 9);
const DESKTOP = { width: 1428, height: 844 };

describe("the wall", () => {
  it("shows sixteen cameras on one page of a desktop", () => {
    expect(layOut(wide(16), DESKTOP, "auto", 0)).toMatchObject({ pages: 1, first: 0, height: 844 });
  });

  it("gets pages before its pictures get too small, and each camera is on one of them", () => {
    const first = layOut(wide(100), DESKTOP, "auto", 0);
    expect(first.pages).toBeGreaterThan(2);
    let next = 0;
    for (let page = 0; page < first.pages; page++) {
      const layout = layOut(wide(100), DESKTOP, "auto", page);
      expect(layout.first).toBe(next);
      next += layout.places.length;
      for (const place of layout.places) expect(place.height).toBeGreaterThanOrEqual(150);
    }
    expect(next).toBe(100);
    expect(layOut(wide(100), DESKTOP, "auto", 99).page).toBe(first.pages - 1);
    expect(layOut(wide(100), DESKTOP, "auto", -1).page).toBe(0);
  });

  it("scrolls on a phone: two columns upright, three on its side", () => {
    const upright = layOut(wide(20), { width: 378, height: 790 }, "auto", 0);
    expect(new Set(upright.places.map(({ left }) => left)).size).toBe(2);
    const onItsSide = layOut(wide(12), { width: 832, height: 370 }, "auto", 0);
    expect(new Set(onItsSide.places.map(({ left }) => left)).size).toBe(3);
    // A few cameras fill the screen instead.
    expect(layOut(wide(3), { width: 378, height: 790 }, "auto", 0).places[2]?.width).toBe(378);
    expect(layOut(wide(40), { width: 378, height: 790 }, "auto", 0)).toMatchObject({ pages: 1 });
  });

  it("makes pictures a little smaller on a phone rather than cutting the lowest names off", () => {
    // The wall of a phone on its side, whose last row would stick out by a few pixels.
    const aspects = [9 / 16, ...wide(5)];
    expect(layOut(aspects, { width: 832, height: 330 }, "auto", 0).height).toBeLessThanOrEqual(330);
    expect(layOut(aspects, { width: 832, height: 250 }, "auto", 0).height).toBeGreaterThan(300);
  });

  it("has fixed layouts: one large and five small, two by two, three by three", () => {
    const spotlight = layOut(wide(7), DESKTOP, "1+5", 0);
    expect(spotlight.places).toHaveLength(6);
    const [large, small] = spotlight.places;
    expect((large?.width ?? 0) / (small?.width ?? 1)).toBeCloseTo(2, 1);
    expect(layOut(wide(7), DESKTOP, "1+5", 1)).toMatchObject({ first: 6, page: 1, pages: 2 });
    expect(layOut(wide(7), DESKTOP, "2x2", 1).places).toHaveLength(3);
    expect(layOut(wide(9), DESKTOP, "3x3", 0)).toMatchObject({ pages: 1 });
    for (const { left, top, width, height } of layOut(wide(9), DESKTOP, "3x3", 0).places) {
      expect(left + width).toBeLessThanOrEqual(DESKTOP.width + 1);
      expect(top + height).toBeLessThanOrEqual(DESKTOP.height + 1);
    }
  });

  it("has one empty page without cameras", () => {
    expect(layOut([], DESKTOP, "auto", 0)).toMatchObject({ places: [], pages: 1, page: 0 });
    expect(layOut([], DESKTOP, "3x3", 0)).toMatchObject({ places: [], pages: 1, page: 0 });
  });

  it("knows its layouts by name", () => {
    expect(["auto", "1+5", "2x2", "4x4", null].map(isLayout)).toEqual([true, true, true, false, false]);
  });
});
