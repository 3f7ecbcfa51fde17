import { describe, expect, it } from "vitest";
import {
  ChangeMeter,
  DRAWN,
  looksSame,
  pointsOf,
  POINTS_HEIGHT,
  POINTS_WIDTH,
} from "../../../src/core/capture/change-meter.js";
import { StillFilter } from "../../../src/core/capture/still-filter.js";

const WIDTH = POINTS_WIDTH * DRAWN;
const HEIGHT = POINTS_HEIGHT * DRAWN;
const TARGET = { fps: 5, quality: 0.7, width: 640 };
const ALL = ["same", "change", "motion"];

/** A street with the noise of a camera, and a figure whose left edge is at a share of the width. */
function scene({
  figureAt,
  light = 0,
  noise = 12,
}: { figureAt?: number; light?: number; noise?: number } = {}) {
  const drawn = new Uint8ClampedArray(4 * WIDTH * HEIGHT);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const left = (figureAt ?? 2) * WIDTH;
      const isFigure = x >= left && x < left + 16 && y > 40 && y < 120;
      const level = (isFigure ? 30 : 60 + y / 2 + light) + noise * (Math.random() * 3.4 - 1.7);
      drawn.set([level, level, level, 255], 4 * (y * WIDTH + x));
    }
  }
  return pointsOf(drawn);
}

describe("the change of a picture", () => {
  it("is none for noise, and for light that changes as a whole", () => {
    const meter = new ChangeMeter();
    const changes = Array.from(
      { length: 10 },
      (_, number) => meter.measure(scene({ light: (number % 2) * 20 }), number * 200).change,
    );
    expect(changes).toEqual([undefined, ...Array<number>(9).fill(0)]);
  });

  it("is the share of the picture in which a figure was or is", () => {
    const meter = new ChangeMeter();
    meter.measure(scene(), 0);
    // 6 by 22 points, with those at its edges.
    expect(meter.measure(scene({ figureAt: 0.3 }), 500).change).toBeCloseTo(0.05, 1);
    expect(meter.measure(scene({ figureAt: 0.6 }), 1000).change).toBeCloseTo(0.1, 1);
    expect(meter.measure(scene({ figureAt: 0.6 }), 1500).change).toBe(0);
  });

  it("is that since 0.4 s ago at least, however often there are pictures", () => {
    const meter = new ChangeMeter();
    meter.measure(scene(), 0);
    meter.measure(scene({ figureAt: 0.3 }), 300);
    expect(meter.measure(scene({ figureAt: 0.3 }), 350).change).toBeGreaterThan(0.02);
    expect(meter.measure(scene({ figureAt: 0.3 }), 750).change).toBe(0);
  });

  it("comes with brightness and contrast", () => {
    const grey = new Uint8Array(POINTS_WIDTH * POINTS_HEIGHT).fill(120);
    expect(new ChangeMeter().measure(grey, 0)).toEqual({ brightness: 120, contrast: 0 });
  });

  it("tells a still picture from one with a small figure or more light", () => {
    const still = scene();
    expect(looksSame(still, scene())).toBe(true);
    expect(looksSame(still, scene({ light: 15 }))).toBe(false);
    expect(looksSame(still, scene({ figureAt: 0.2 }))).toBe(false);
  });
});

describe("leaving out still pictures", () => {
  it("sends a whole picture every ten seconds, and in between says that it is the same", () => {
    const [filter, still] = [new StillFilter(ALL, true), scene()];
    const choices = Array.from(
      { length: 60 },
      (_, number) => filter.look(still, TARGET, number * 200).choice,
    );
    expect(choices.flatMap((choice, number) => (choice === "whole" ? [number] : []))).toEqual([0, 50]);
    expect(new Set(choices)).toEqual(new Set(["whole", "same"]));
  });

  it("sends a whole picture when it changes, and when a larger one is wanted", () => {
    const [filter, still] = [new StillFilter(ALL, true), scene()];
    filter.look(still, TARGET, 0);
    expect(filter.look(scene({ figureAt: 0.5 }), TARGET, 200).choice).toBe("whole");
    expect(filter.look(scene({ figureAt: 0.5 }), { ...TARGET, width: 1280 }, 400).choice).toBe("whole");
    expect(filter.look(scene({ figureAt: 0.5 }), { ...TARGET, width: 1280 }, 450).choice).toBe("nothing");
  });

  it.each([
    [[], true, Infinity, 0],
    [["change"], false, 2000, 5],
    [["change", "motion"], false, 100, 50],
    [ALL, true, 0, 50],
  ] as const)(
    "measures as often as a server with %j wants",
    (capabilities, leavesOut, interval, measured) => {
      const filter = new StillFilter(capabilities, leavesOut);
      const looked = Array.from({ length: 50 }, (_, number) => filter.look(scene(), TARGET, number * 200));
      expect(filter.interval).toBe(interval);
      expect(Math.abs(looked.filter(({ measure }) => measure).length - measured)).toBeLessThanOrEqual(
        measured === 5 ? 5 : 0,
      );
    },
  );
});
