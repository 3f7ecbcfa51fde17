import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ReplayRemote } from "../../../src/core/viewer/remote.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const LIVE = { live: true, speed: 1, sequence: 80, at: 9000, oldestAt: 1000, newestAt: 9000 };
const PAUSED = { ...LIVE, live: false, speed: 0, sequence: 40, at: 5000 };

function build() {
  const wishes: unknown[] = [];
  const remote = new ReplayRemote(
    {
      seek: (clientId, position, speed) => wishes.push([clientId, position, speed]),
      goLive: (clientId) => wishes.push([clientId, "live"]),
    },
    "a",
  );
  /** What was wished for since last asked. */
  const wished = () => {
    vi.advanceTimersByTime(100);
    return wishes.splice(0);
  };
  return { remote, wished };
}

describe("the remote control", () => {
  it("knows nothing to do before anything is known", () => {
    const { remote, wished } = build();
    remote.pause();
    remote.play();
    remote.step(1);
    remote.rewind(5);
    expect(wished()).toEqual([]);
  });

  it("pauses and plays from the frame on the screen", () => {
    const { remote, wished } = build();
    remote.follow(LIVE);
    remote.pause();
    expect(wished()).toEqual([["a", { sequence: 80 }, 0]]);
    remote.follow(PAUSED);
    remote.play();
    expect(wished()).toEqual([["a", { sequence: 40 }, 1]]);
    remote.choose(-1);
    expect(wished()).toEqual([]);
    remote.play();
    expect(wished()).toEqual([["a", { sequence: 40 }, -1]]);
  });

  it("plays forwards from the oldest frame, whatever was chosen", () => {
    const { remote, wished } = build();
    remote.follow({ ...PAUSED, sequence: 3, at: 1000 });
    remote.choose(-1);
    remote.play();
    expect(wished()).toEqual([["a", { sequence: 3 }, 1]]);
  });

  it("steps on from where the last step was to lead, however late the picture", () => {
    const { remote, wished } = build();
    remote.follow(PAUSED);
    remote.step(-1);
    remote.step(-1);
    remote.step(-1);
    expect(wished()).toEqual([
      ["a", { sequence: 39 }, 0],
      ["a", { sequence: 37 }, 0],
    ]);
    remote.play();
    expect(wished()).toEqual([["a", { sequence: 37 }, 1]]);
    vi.advanceTimersByTime(1000);
    remote.step(1);
    expect(wished()).toEqual([["a", { sequence: 41 }, 0]]);
    remote.follow({ ...PAUSED, sequence: 1 });
    vi.advanceTimersByTime(1000);
    remote.step(-1);
    expect(wished()).toEqual([["a", { sequence: 1 }, 0]]);
  });

  it("seeks at most twenty times a second while a finger drags, and ends at the last position", () => {
    const { remote, wished } = build();
    remote.follow(PAUSED);
    for (let at = 1000; at < 2000; at += 10) {
      remote.scrub(at);
      vi.advanceTimersByTime(10);
    }
    const wishes = wished();
    expect(wishes.length).toBeLessThanOrEqual(21);
    expect(wishes.at(-1)).toEqual(["a", { at: 1990 }, 0]);
  });

  it("rewinds from where it is, and returns", () => {
    const { remote, wished } = build();
    remote.follow(PAUSED);
    remote.rewind(5);
    expect(wished()).toEqual([["a", { back: 9 }, 1]]);
    remote.live();
    expect(wished()).toEqual([["a", "live"]]);
    remote.live();
    remote.stop();
    remote.live();
    remote.stop();
    expect(wished()).toEqual([["a", "live"]]);
  });

  it("asks what is kept while that changes nothing", () => {
    const { remote, wished } = build();
    remote.inquire();
    expect(wished()).toEqual([["a", "live"]]);
    remote.follow(LIVE);
    remote.pause();
    remote.inquire();
    expect(wished()).toEqual([["a", { sequence: 80 }, 0]]);
    vi.advanceTimersByTime(1000);
    remote.inquire();
    expect(wished()).toEqual([]);
    remote.follow(PAUSED);
    vi.advanceTimersByTime(5000);
    remote.inquire();
    expect(wished()).toEqual([]);
  });
});
