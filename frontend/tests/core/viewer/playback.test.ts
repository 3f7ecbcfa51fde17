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

describe("where a viewer stands", () => {
  it("is unknown until the server says so, and when it keeps nothing", () => {
    const tracker = new PlaybackTracker();
    tracker.painted(mark(7, 5, true));
    expect(tracker.snapshot(0, true)).toBeNull();
    tracker.answered({ ...answer, sequence: null, at: null, oldestAt: null, newestAt: null }, 0);
    expect(tracker.snapshot(0, true)).toBeNull();
  });

  it("is the end while live, which moves on as long as the camera sends", () => {
    const tracker = new PlaybackTracker();
    tracker.answered(answer, 500);
    tracker.painted(mark(81, 9100, true));
    const state = { live: true, speed: 1, sequence: 81 };
    expect(tracker.snapshot(700, true)).toEqual({ ...state, at: 9200, oldestAt: 1000, newestAt: 9200 });
    expect(tracker.snapshot(700, false)).toEqual({ ...state, at: 9000, oldestAt: 1000, newestAt: 9000 });
  });

  it("begins later and later once the server lets frames go, as two answers show", () => {
    const tracker = new PlaybackTracker();
    tracker.answered(answer, 0);
    tracker.answered({ ...answer, oldestAt: 1500, newestAt: 9500 }, 500);
    expect(tracker.snapshot(700, true)).toMatchObject({ oldestAt: 1700, newestAt: 9700 });
    tracker.answered({ ...answer, oldestAt: 1500, newestAt: 9800 }, 800);
    expect(tracker.snapshot(900, true)).toMatchObject({ oldestAt: 1500, newestAt: 9900 });
  });

  it("follows the frames of a playback, and falls behind while it stands still", () => {
    const tracker = new PlaybackTracker();
    // Whether a frame or the answer comes first is not certain.
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
    // What the server has let go meanwhile, this viewer still sees.
    expect(tracker.snapshot(9000, true)).toMatchObject({ at: 4100, oldestAt: 4100 });
    tracker.answered(answer, 9000);
    expect(tracker.active).toBe(false);
    tracker.reset();
    expect(tracker.snapshot(9000, true)).toBeNull();
  });
});
