import { describe, expect, it } from "vitest";
import {
  FIRST_ZOOM,
  followMoment,
  moveSpan,
  shownSpan,
  zoomAround,
  zoomTo,
} from "../../../src/core/viewer/timeline-window.js";

const WHOLE = { from: 0, to: 1_000_000 };

describe("the shown part of a timeline", () => {
  it("is the whole until somebody zooms in", () => {
    expect(shownSpan(null, WHOLE)).toEqual(WHOLE);
  });

  it("keeps the moment under the pointer where it is", () => {
    const zoom = zoomAround(null, WHOLE, 250_000, 2);
    expect(shownSpan(zoom, WHOLE)).toEqual({ from: 125_000, to: 625_000 });
    expect(shownSpan(zoomAround(zoom, WHOLE, 625_000, 2.5), WHOLE)).toEqual({ from: 425_000, to: 625_000 });
  });

  it("is at least two seconds and at most the whole", () => {
    const zoom = zoomAround(null, WHOLE, 500_000, 1e9);
    expect(zoom?.length).toBe(2000);
    expect(zoomAround(zoom, WHOLE, 500_000, 1e-9)).toBeNull();
  });

  it("cannot be shorter than a past of two minutes", () => {
    expect(zoomAround(null, { from: 0, to: 119_000 }, 0, 2)).toBeNull();
  });

  it("grows with the newest frame if it ends there, and stays otherwise", () => {
    const later = { from: 0, to: 1_060_000 };
    const atEnd = zoomAround(null, WHOLE, 1_000_000, 2);
    expect(shownSpan(atEnd, later)).toEqual({ from: 560_000, to: 1_060_000 });
    const inside = zoomAround(null, WHOLE, 250_000, 2);
    expect(shownSpan(inside, later)).toEqual({ from: 125_000, to: 625_000 });
  });

  it("moves to the side, but not beyond what is kept", () => {
    const zoom = zoomAround(null, WHOLE, 250_000, 2);
    expect(shownSpan(moveSpan(zoom, WHOLE, 100_000), WHOLE)).toEqual({ from: 225_000, to: 725_000 });
    expect(shownSpan(moveSpan(zoom, WHOLE, -1e9), WHOLE)).toEqual({ from: 0, to: 500_000 });
    expect(moveSpan(zoom, WHOLE, 1e9)).toEqual({ length: 500_000, end: null });
    expect(moveSpan(null, WHOLE, 5)).toBeNull();
  });

  it("moves on when frames that it shows are dropped", () => {
    const zoom = zoomAround(null, WHOLE, 0, 4);
    expect(shownSpan(zoom, { from: 100_000, to: 1_100_000 })).toEqual({ from: 100_000, to: 350_000 });
  });

  it("turns the page when the playback runs out of it, unless a person looks elsewhere", () => {
    const zoom = zoomAround(null, WHOLE, 0, 4);
    const next = followMoment(zoom, WHOLE, 249_900, 250_100);
    expect(shownSpan(next, WHOLE)).toEqual({ from: 250_100, to: 500_100 });
    expect(followMoment(zoom, WHOLE, 700_000, 700_100)).toBe(zoom);
    expect(followMoment(zoom, WHOLE, 249_900, 249_950)).toBe(zoom);
    expect(followMoment(zoom, WHOLE, 100_000, 100_100)).toBe(zoom);
    expect(followMoment(null, WHOLE, 1, 2)).toBeNull();
  });

  it("is the last hour of a long past, and goes along when somebody jumps", () => {
    const years = { from: 0, to: 1e11 };
    expect(shownSpan(FIRST_ZOOM, years)).toEqual({ from: 1e11 - 3_600_000, to: 1e11 });
    expect(shownSpan(FIRST_ZOOM, WHOLE)).toEqual(WHOLE);
    const there = followMoment(FIRST_ZOOM, years, 1e11, 5e10);
    expect(shownSpan(there, years)).toEqual({ from: 5e10 - 1_800_000, to: 5e10 + 1_800_000 });
    expect(followMoment(there, years, 5e10, 1e11)).toEqual(FIRST_ZOOM);
  });

  it("can be a day, as far as there is something of it", () => {
    const zoom = zoomTo({ from: -500_000, to: 200_000 }, WHOLE);
    expect(shownSpan(zoom, WHOLE)).toEqual({ from: 0, to: 200_000 });
    expect(zoomTo({ from: -5, to: 2_000_000 }, WHOLE)).toBeNull();
  });
});
