import { describe, expect, it } from "vitest";
import {
  coveredWith,
  isGap,
  joined,
  mergePasts,
  nearestCovered,
  nextCovered,
  spanInMemory,
  type Past,
} from "../../../src/core/viewer/past.js";

const KNOWN = { from: 0, to: 1000 };
const COVERED = [
  { from: 100, to: 200 },
  { from: 600, to: 700 },
];
const event = (id: string, from: number) => ({ id, cameraId: "a", label: id, from, to: null });

describe("what is recorded", () => {
  it("is joined where it touches", () => {
    const spans = [
      { from: 5, to: 9 },
      { from: 0, to: 5 },
      { from: 20, to: 30 },
      { from: 22, to: 25 },
    ];
    expect(joined(spans)).toEqual([
      { from: 0, to: 9 },
      { from: 20, to: 30 },
    ]);
    expect(joined(spans, 11)).toEqual([{ from: 0, to: 30 }]);
  });

  it("is in memory from the oldest frame of the ring, if there is one", () => {
    expect(spanInMemory(5, 9)).toEqual({ from: 5, to: 9 });
    expect([spanInMemory(null, 9), spanInMemory(undefined, 9), spanInMemory(10, 9)]).toEqual([
      null,
      null,
      null,
    ]);
  });

  it("goes on in memory", () => {
    const past: Past = { known: KNOWN, covered: [{ from: 0, to: 50_000 }], kept: [], events: [] };
    expect(coveredWith(past, { from: 55_000, to: 90_000 })).toEqual([{ from: 0, to: 90_000 }]);
    expect(coveredWith(past, { from: 70_000, to: 90_000 })).toHaveLength(2);
    expect(coveredWith(past, null)).toBe(past.covered);
  });

  it("is that of any camera, for several cameras", () => {
    const one: Past = { known: KNOWN, covered: COVERED, kept: [], events: [event("x", 5)] };
    const other: Past = {
      known: { from: 50, to: 2000 },
      covered: [{ from: 150, to: 300 }],
      kept: [{ from: 150, to: 160 }],
      events: [event("y", 3)],
    };
    expect(mergePasts([one, other])).toEqual({
      known: { from: 50, to: 1000 },
      covered: [
        { from: 100, to: 300 },
        { from: 600, to: 700 },
      ],
      kept: [{ from: 150, to: 160 }],
      events: [event("y", 3), event("x", 5)],
    });
    expect(mergePasts([null, one])).toBe(one);
    expect(mergePasts([null])).toBeNull();
  });
});

describe("a gap", () => {
  it("is only what is known to have no frames", () => {
    expect([50, 150, 400, 1500].map((at) => isGap(COVERED, KNOWN, at))).toEqual([true, false, true, false]);
  });

  it("leads to the nearest frame for a hand, and to the next one for a playback", () => {
    expect([150, 300, 500, 5000].map((at) => nearestCovered(COVERED, KNOWN, at))).toEqual([
      150, 200, 600, 5000,
    ]);
    expect([150, 300, 800, 5000].map((at) => nextCovered(COVERED, KNOWN, at))).toEqual([
      150,
      600,
      null,
      5000,
    ]);
  });
});
