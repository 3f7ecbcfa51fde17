import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { now } from "../../../src/core/clock.js";
import { WallPlayback } from "../../../src/core/viewer/wall-playback.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** The server's clock is this much ahead of ours. */
const OFFSET = 5000;

function build() {
  const sent: unknown[] = [];
  const playback = new WallPlayback(
    {
      seek: (cameras, position, speed) =>
        sent.push([cameras, Math.round(playback.now() - (position as { at: number }).at), speed]),
      goLive: (cameras) => sent.push(["live", cameras]),
      describePlayback: (cameras) => sent.push(["describe", cameras]),
    },
    () => OFFSET,
  );
  playback.setCameras(["a", "b"]);
  /** Returns how many milliseconds back the wall is. */
  const back = () => Math.round(playback.now() - playback.position());
  /** Returns what was sent since the last call. */
  const requested = () => {
    vi.advanceTimersByTime(200);
    return sent.splice(0);
  };
  return { playback, requested, back, sent };
}

describe("the playback of a wall", () => {
  it("names one moment for all cameras, by the server's clock", () => {
    const { playback, sent } = build();
    expect(Math.round(playback.now() - now())).toBe(OFFSET);
    playback.seekTo(playback.now() - 8000);
    expect(sent).toEqual([[["a", "b"], 8000, 0]]);
  });

  it("sends only the newest of the moments that a finger passes", () => {
    const { playback, requested } = build();
    for (let back = 10_000; back > 5000; back -= 500) playback.seekTo(playback.now() - back);
    expect(requested()).toEqual([
      [["a", "b"], 10_000, 0],
      [["a", "b"], 5650, 0],
    ]);
  });

  it("plays on from where it stands still, and stands still where it plays", () => {
    const { playback, requested, back } = build();
    playback.seekTo(playback.now() - 8000);
    vi.advanceTimersByTime(1000);
    expect(back()).toBe(9000);
    playback.play(2);
    vi.advanceTimersByTime(1000);
    expect(back()).toBe(8000);
    playback.pause();
    expect(requested().map((request) => (request as unknown[])[2])).toEqual([0, 2, 0]);
    expect(back()).toBe(8200);
  });

  it("skips from the live pictures into a playback, and back to them", () => {
    const { playback, requested } = build();
    playback.skip(-10);
    expect(requested()).toEqual([[["a", "b"], 10_000, 1]]);
    playback.skip(20);
    expect(requested()).toEqual([["live", ["a", "b"]]]);
    expect(playback.moment.getSnapshot()).toBeNull();
  });

  it("becomes live when it has caught up", () => {
    const { playback, requested } = build();
    playback.seekTo(playback.now() - 2000);
    playback.play(4);
    vi.advanceTimersByTime(700);
    playback.tick();
    expect(playback.moment.getSnapshot()).toBeNull();
    expect(requested().at(-1)).toEqual(["live", ["a", "b"]]);
  });

  it("goes no further back than the oldest frame, and stands still there", () => {
    const { playback, back } = build();
    playback.setOldest(playback.now() - 10_000);
    playback.skip(-60);
    expect(back()).toBe(10_000);
    playback.play(-1);
    expect(playback.moment.getSnapshot()?.speed).toBe(0);
    playback.seekTo(playback.now() - 9900);
    playback.play(-1);
    vi.advanceTimersByTime(300);
    playback.tick();
    expect(playback.moment.getSnapshot()?.speed).toBe(0);
  });

  it("takes in the cameras that come into view", () => {
    const { playback, requested } = build();
    playback.setCameras(["a", "c"]);
    expect(requested()).toEqual([]);
    playback.seekTo(playback.now() - 8000);
    requested();
    playback.setCameras(["a"]);
    expect(requested()).toEqual([]);
    playback.setCameras(["a", "b"]);
    expect(requested()).toMatchObject([[["a", "b"], expect.anything(), 0]]);
    playback.rejoin(["b", "elsewhere"]);
    expect(requested()).toMatchObject([[["b"], expect.anything(), 0]]);
  });

  it("plays no more cameras than the server plays for one viewer", () => {
    const { playback, requested } = build();
    playback.setCameras(Array.from({ length: 20 }, (_, index) => `c${index}`));
    playback.describe();
    const [[, described]] = requested() as [[string, string[]]];
    expect(described).toHaveLength(16);
  });

  it("leaves out the time in which no camera has a frame", () => {
    const { playback, back } = build();
    const at = playback.now();
    const covered = [
      { from: at - 600_000, to: at - 400_000 },
      { from: at - 100_000, to: at },
    ];
    playback.setCovered(covered, { from: at - 600_000, to: at });
    playback.seekTo(at - 400_500);
    playback.play();
    vi.advanceTimersByTime(1000);
    playback.tick();
    expect(back()).toBe(101_000);
    playback.play(-1);
    vi.advanceTimersByTime(2000);
    playback.tick();
    expect(playback.position()).toBe(at - 400_000);
    playback.skip(10);
    expect(playback.position()).toBe(at - 100_000);
  });

  it("tells which cameras it shows", () => {
    const { playback } = build();
    const before = playback.cameras.getSnapshot();
    playback.setCameras(["a", "b"]);
    expect(playback.cameras.getSnapshot()).toBe(before);
    playback.setCameras(["a"]);
    expect(playback.cameras.getSnapshot()).toEqual(["a"]);
  });
});
