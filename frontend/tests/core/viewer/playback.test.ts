import { describe, expect, it } from "vitest";
import { PlaybackTracker } from "../../../src/core/viewer/playback.js";

const answer = {
  cameraId: "a",
  live: true,
  speed: 1,
  sequence: 80,
  at: 9000,
  oldestAt: 1000,
  newestAt: 9000,
};
const mark = (sequence: number, takenAt: number, live: boolean) => ({ sequence, takenAt, live });

describe("the playback tracker", () => {
  it("has no state until the server describes a timeline with frames", () => {
    const tracker = new PlaybackTracker();
    tracker.painted(mark(7, 5, true));
    expect(tracker.snapshot(0, true)).toBeNull();
    tracker.answered({ ...answer, sequence: null, at: null, oldestAt: null, newestAt: null }, 0);
    expect(tracker.snapshot(0, true)).toBeNull();
  });

  it("is at the end while live, and advances while the camera sends", () => {
    const tracker = new PlaybackTracker();
    tracker.answered(answer, 500);
    tracker.painted(mark(81, 9100, true));
    const state = { live: true, speed: 1, sequence: 81 };
    expect(tracker.snapshot(700, true)).toEqual({ ...state, at: 9200, oldestAt: 1000, newestAt: 9200 });
    expect(tracker.snapshot(700, false)).toEqual({ ...state, at: 9000, oldestAt: 1000, newestAt: 9000 });
  });

  it("advances the oldest time once two messages show that the server removes frames", () => {
    const tracker = new PlaybackTracker();
    tracker.answered(answer, 0);
    tracker.answered({ ...answer, oldestAt: 1500, newestAt: 9500 }, 500);
    expect(tracker.snapshot(700, true)).toMatchObject({ oldestAt: 1700, newestAt: 9700 });
    tracker.answered({ ...answer, oldestAt: 1500, newestAt: 9800 }, 800);
    expect(tracker.snapshot(900, true)).toMatchObject({ oldestAt: 1500, newestAt: 9900 });
  });

  it("follows the frames of a playback, and falls behind while it is paused", () => {
    const tracker = new PlaybackTracker();
    // The frame may come before the message.
    tracker.painted(mark(30, 4000, false));
    tracker.answered(answer, 400);
    tracker.answered({ ...answer, oldestAt: 1100, live: false, speed: 0, sequence: 30, at: 4000 }, 500);
    expect(tracker.active).toBe(true);
    expect(tracker.snapshot(1500, true)).toEqual({
      live: false,
      speed: 0,
      sequence: 30,
      at: 4000,
      oldestAt: 2100,
      newestAt: 10_000,
    });
    tracker.painted(mark(31, 4100, false));
    expect(tracker.snapshot(1500, true)).toMatchObject({ sequence: 31, at: 4100 });
    // The frame is still on the screen although the server has removed it.
    expect(tracker.snapshot(9000, true)).toMatchObject({ at: 4100, oldestAt: 4100 });
    tracker.answered(answer, 9000);
    expect(tracker.active).toBe(false);
    tracker.reset();
    expect(tracker.snapshot(9000, true)).toBeNull();
  });
});
