import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { reductionFor, UplinkController } from "../../../src/core/capture/uplink-controller.js";

interface Period {
  times: number;
  seconds: number;
  due: number;
  skipped: number;
  congested: boolean;
  share: number;
}

const golden = JSON.parse(
  readFileSync(new URL("../../../../tests/golden/uplink.json", import.meta.url), "utf8"),
) as {
  reductions: { share: number; quality: number; width: number; rate: number }[];
  controller: { name: string; periods: Period[] }[];
};

const WANTED = { fps: 10, width: 640, quality: 0.6 };

describe("the uplink's controller", () => {
  it.each(golden.reductions)("reduces quality, then width, then rate: $share", ({ share, ...factors }) => {
    const { quality, width, rate } = reductionFor(share);
    expect({ quality, width, rate: Number(rate.toFixed(6)) }).toEqual(factors);
  });

  it.each(golden.controller)("follows what was carried: $name", ({ periods }) => {
    const controller = new UplinkController();
    let at = 0;
    for (const { times, seconds, due, skipped, congested, share } of periods) {
      for (let time = 0; time < times; time++) {
        at += seconds * 1000;
        for (let frame = 0; frame < due; frame++) controller.frame(frame < skipped);
        const before = controller.share;
        expect(controller.evaluate(at, congested)).toBe(controller.share !== before);
      }
      expect(controller.share).toBeCloseTo(share, 6);
    }
  });

  it("ends a period when half a second has passed and three frames were due", () => {
    const controller = new UplinkController();
    const bad = (at: number): boolean => {
      for (let frame = 0; frame < 3; frame++) controller.frame(true);
      return controller.evaluate(at, true);
    };
    expect(bad(0)).toBe(false);
    expect(bad(400)).toBe(false);
    controller.frame(true);
    expect(controller.evaluate(500, true)).toBe(true);
    expect(controller.evaluate(2000, true)).toBe(false);
  });

  it("leaves one frame a second, but never more than wanted", () => {
    const controller = new UplinkController();
    for (let at = 0; at < 60_000; at += 500) {
      for (let frame = 0; frame < 3; frame++) controller.frame(true);
      controller.evaluate(at, true);
    }
    expect(controller.limit(WANTED)).toEqual({ fps: 1, width: 320, quality: 0.3 });
    expect(controller.limit({ ...WANTED, fps: 0.2 })).toMatchObject({ fps: 0.2 });
    controller.begin();
    expect(controller.limit(WANTED).fps).toBe(1);
    controller.reset();
    expect(controller.limit(WANTED)).toEqual(WANTED);
  });
});
