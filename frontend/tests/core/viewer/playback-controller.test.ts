import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { PlaybackController } from "../../../src/core/viewer/playback-controller.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const LIVE = { live: true, speed: 1, sequence: 80, at: 9000, oldestAt: 1000, newestAt: 9000 };
const PAUSED = { ...LIVE, live: false, speed: 0, sequence: 40, at: 5000 };

function build() {
  const requests: unknown[] = [];
  const controller = new PlaybackController(
    {
      seek: (cameraId, position, speed) => requests.push([cameraId, position, speed]),
      goLive: (cameraId) => requests.push([cameraId, "live"]),
      describePlayback: (cameraId) => requests.push([cameraId, "describe"]),
    },
    "a",
  );
  /** Returns the requests since the last call. */
  const requested = () => {
    vi.advanceTimersByTime(100);
    return requests.splice(0);
  };
  return { controller, requested };
}

describe("the playback controller", () => {
  it("does nothing while the timeline is unknown", () => {
    const { controller, requested } = build();
    controller.pause();
    controller.play();
    controller.step(1);
    controller.skipBack(5);
    expect(requested()).toEqual([]);
  });

  it("pauses and plays from the frame on the screen", () => {
    const { controller, requested } = build();
    controller.update(LIVE);
    controller.pause();
    expect(requested()).toEqual([["a", { sequence: 80 }, 0]]);
    controller.update(PAUSED);
    controller.play();
    expect(requested()).toEqual([["a", { sequence: 40 }, 1]]);
    controller.speed.set(-1);
    expect(requested()).toEqual([]);
    controller.play();
    expect(requested()).toEqual([["a", { sequence: 40 }, -1]]);
  });

  it("plays forwards from the oldest frame, whatever the speed", () => {
    const { controller, requested } = build();
    controller.update({ ...PAUSED, sequence: 3, at: 1000 });
    controller.speed.set(-1);
    controller.play();
    expect(requested()).toEqual([["a", { sequence: 3 }, 1]]);
  });

  it("steps from the target of the last step, also if that frame is not on the screen yet", () => {
    const { controller, requested } = build();
    controller.update(PAUSED);
    controller.step(-1);
    controller.step(-1);
    controller.step(-1);
    expect(requested()).toEqual([
      ["a", { sequence: 39 }, 0],
      ["a", { sequence: 37 }, 0],
    ]);
    controller.play();
    expect(requested()).toEqual([["a", { sequence: 37 }, 1]]);
    vi.advanceTimersByTime(1000);
    controller.step(1);
    expect(requested()).toEqual([["a", { sequence: 41 }, 0]]);
    controller.update({ ...PAUSED, sequence: 1 });
    vi.advanceTimersByTime(1000);
    controller.step(-1);
    expect(requested()).toEqual([["a", { sequence: 1 }, 0]]);
  });

  it("seeks at most twenty times a second while a finger drags, and ends at the last position", () => {
    const { controller, requested } = build();
    controller.update(PAUSED);
    for (let at = 1000; at < 2000; at += 10) {
      controller.seekTo(at);
      vi.advanceTimersByTime(10);
    }
    const requests = requested();
    expect(requests.length).toBeLessThanOrEqual(21);
    expect(requests.at(-1)).toEqual(["a", { at: 1990 }, 0]);
  });

  it("skips back from the current position, and returns to live", () => {
    const { controller, requested } = build();
    controller.update(PAUSED);
    controller.skipBack(5);
    expect(requested()).toEqual([["a", { at: 1000 }, 0]]);
    controller.goLive();
    expect(requested()).toEqual([["a", "live"]]);
    controller.goLive();
    controller.stop();
    controller.goLive();
    controller.stop();
    expect(requested()).toEqual([["a", "live"]]);
  });

  it("asks for the state only if that does not end a playback", () => {
    const { controller, requested } = build();
    controller.requestState();
    expect(requested()).toEqual([["a", "live"]]);
    controller.update(LIVE);
    controller.pause();
    controller.requestState();
    expect(requested()).toEqual([["a", { sequence: 80 }, 0]]);
    vi.advanceTimersByTime(1000);
    controller.requestState();
    expect(requested()).toEqual([]);
    controller.update(PAUSED);
    vi.advanceTimersByTime(5000);
    controller.requestState();
    expect(requested()).toEqual([["a", "describe"]]);
  });

  it("goes back from the frame that is shown, however long the camera has been silent", () => {
    const { controller, requested } = build();
    // The newest frame came 60 s ago, so a time relative to now would be no time before it.
    controller.update({ ...LIVE, at: 9000, newestAt: 9000 });
    controller.skipBack(5);
    expect(requested()).toEqual([["a", { at: 4000 }, 1]]);
    controller.update({ ...PAUSED, speed: 1 });
    controller.skip(-10);
    expect(requested()).toEqual([["a", { at: 1000 }, 1]]);
    controller.skip(2);
    expect(requested()).toEqual([["a", { at: 7000 }, 1]]);
    controller.skip(10);
    expect(requested()).toEqual([["a", "live"]]);
  });

  it("has one truth about the speed: live and a jump end a chosen speed", () => {
    const { controller, requested } = build();
    controller.update(PAUSED);
    controller.playAt(-1);
    expect(controller.speed.getSnapshot()).toBe(-1);
    controller.goLive();
    expect(controller.speed.getSnapshot()).toBe(1);
    controller.update(LIVE);
    controller.playAt(2);
    requested();
    controller.playAt(2);
    expect([requested(), controller.speed.getSnapshot()]).toEqual([[], 1]);
    controller.playAt(0.5);
    expect(requested()).toEqual([["a", { sequence: 80 }, 0.5]]);
    controller.update({ ...PAUSED, speed: 0.5 });
    controller.update(LIVE);
    expect(controller.speed.getSnapshot()).toBe(1);
  });

  it("plays faster each time the same key is pressed, in both directions", () => {
    const { controller, requested } = build();
    controller.update(LIVE);
    controller.shuttle(1);
    expect(requested()).toEqual([]);
    controller.shuttle(-1);
    expect(requested()).toEqual([["a", { sequence: 80 }, -1]]);
    controller.update({ ...PAUSED, speed: -1 });
    controller.shuttle(-1);
    expect(requested()).toEqual([["a", { sequence: 40 }, -2]]);
    controller.update({ ...PAUSED, speed: -8 });
    controller.shuttle(-1);
    controller.update({ ...PAUSED, speed: -8 });
    expect(requested()).toEqual([["a", { sequence: 40 }, -8]]);
    controller.shuttle(1);
    expect(requested()).toEqual([["a", { sequence: 40 }, 1]]);
    controller.loopFrom(3000);
    expect(requested()).toEqual([["a", { at: 3000 }, 1]]);
  });
});
