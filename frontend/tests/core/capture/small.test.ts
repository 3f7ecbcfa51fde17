import { describe, expect, it } from "vitest";
import { limitToDemand, sameSettings, type Demand } from "../../../src/core/capture/demand.js";
import { decodeCaptureMessage } from "../../../src/core/capture/messages.js";
import { PictureClock } from "../../../src/core/capture/picture-clock.js";

const own = { fps: 15, width: 1280, quality: 0.7 };
const demand = (limits: Partial<Demand>): Demand => ({
  viewers: 1,
  maxFps: null,
  maxWidth: null,
  quality: null,
  ...limits,
});

describe("demand", () => {
  it("limits the settings, and never raises them", () => {
    expect(limitToDemand(own, null)).toEqual(own);
    expect(limitToDemand(own, demand({}))).toEqual(own);
    expect(limitToDemand(own, demand({ maxFps: 60, maxWidth: 4000, quality: 1 }))).toEqual(own);
    expect(limitToDemand(own, demand({ maxFps: 0.2, maxWidth: 320, quality: 0.5 }))).toEqual({
      fps: 0.2,
      width: 320,
      quality: 0.5,
    });
  });

  it("keeps frames usable, whatever is asked for", () => {
    expect(limitToDemand(own, demand({ maxFps: 1e-6, maxWidth: 1, quality: 1e-6 }))).toEqual({
      fps: 1 / 60,
      width: 64,
      quality: 0.1,
    });
  });

  it("is compared by all its fields", () => {
    expect(sameSettings(own, { ...own })).toBe(true);
    for (const change of [{ fps: 1 }, { width: 1 }, { quality: 0.1 }])
      expect(sameSettings(own, { ...own, ...change })).toBe(false);
  });

  it("is read from the server's message; invalid limits are ignored", () => {
    const read = (fields: object) => decodeCaptureMessage(JSON.stringify({ type: "demand", ...fields }));
    expect(read({ viewers: 3, maxFps: 12, maxWidth: 640, quality: 0.6, more: 1 })).toEqual({
      type: "demand",
      viewers: 3,
      maxFps: 12,
      maxWidth: 640,
      quality: 0.6,
    });
    const none = { type: "demand", viewers: 0, maxFps: null, maxWidth: null, quality: null };
    expect(read({ maxFps: null })).toEqual(none);
    expect(read({ viewers: "3", maxFps: 0, maxWidth: -1, quality: "high" })).toEqual(none);
  });

  it("is not read from other messages", () => {
    expect(decodeCaptureMessage('{"type":"registration-success","clientId":"a"}')).toMatchObject({
      cameraId: "a",
    });
    expect(decodeCaptureMessage("demand")).toBeNull();
  });
});

describe("the picture clock", () => {
  it("corrects the time of pictures that came late", () => {
    const clock = new PictureClock();
    expect(clock.takenAt(0, 1000)).toBe(1000);
    expect(clock.takenAt(33, 1030)).toBe(1030);
    expect(clock.takenAt(66, 1100)).toBe(1063);
    expect(clock.takenAt(100, 1097)).toBe(1097);
  });

  it("follows a camera's clock that drifts, jumps back or is set again", () => {
    const clock = new PictureClock();
    for (let i = 0; i <= 600; i++) clock.takenAt(i * 99.9, i * 100);
    expect(60_000 - clock.takenAt(600 * 99.9, 60_000)).toBeLessThan(40);
    expect(clock.takenAt(5, 60_100)).toBe(60_100);
    expect(clock.takenAt(38, 60_140)).toBe(60_133);
    expect(clock.takenAt(900_000, 60_200)).toBe(60_200);
  });
});
