import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { now } from "../../../src/core/clock.js";
import type { Box } from "../../../src/core/viewer/messages.js";
import { ResultHold } from "../../../src/core/viewer/results.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const BOX: Box = { x: 1, y: 2, width: 3, height: 4 };

function build() {
  const painted: string[] = [];
  const dropped: number[] = [];
  const hold = new ResultHold<number>({
    now,
    release: (frame, boxes) => painted.push(`${frame}${"+".repeat(boxes.length)}`),
    drop: (frame) => dropped.push(frame),
  });
  /** Offers frame 1 and its result, so that the next frames wait for theirs. */
  const begin = () => {
    hold.offer(1, 1);
    hold.result(1, [BOX]);
    painted.length = 0;
  };
  return { hold, painted, dropped, begin };
}

describe("frames and results", () => {
  it("are shown at once if no results come", () => {
    const { hold, painted } = build();
    expect(hold.offer(1, 1)).toBe(false);
    expect(hold.active).toBe(false);
    expect(painted).toEqual(["1"]);
  });

  it("are shown together, also if the result is late", () => {
    const { hold, painted, begin } = build();
    begin();
    for (let sequence = 2; sequence <= 30; sequence++) {
      expect(hold.offer(sequence, sequence)).toBe(true);
      vi.advanceTimersByTime(33);
      if (sequence > 4) hold.result(sequence - 3, [BOX, BOX]);
    }
    expect(painted).toEqual(Array.from({ length: 26 }, (_, index) => `${index + 2}++`));
  });

  it("show the newest frame before a result without boxes if it has no result of its own", () => {
    const { hold, painted, dropped, begin } = build();
    begin();
    for (const sequence of [2, 3, 5]) hold.offer(sequence, sequence);
    hold.result(4, [BOX]);
    expect(painted).toEqual(["3"]);
    expect(dropped).toEqual([2]);
    hold.result(5, []);
    expect(painted).toEqual(["3", "5"]);
  });

  it("do not wait for a result that came before its frame", () => {
    const { hold, painted, begin } = build();
    begin();
    hold.result(3, [BOX]);
    expect(hold.offer(2, 2)).toBe(false);
    expect(hold.offer(3, 3)).toBe(false);
    expect(painted).toEqual(["2", "3+"]);
  });

  it("wait half a second at most, and not at all after two seconds without a result", () => {
    const { hold, painted, begin } = build();
    begin();
    hold.offer(2, 2);
    vi.advanceTimersByTime(200);
    hold.offer(3, 3);
    vi.advanceTimersByTime(299);
    expect(painted).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(painted).toEqual(["2"]);
    vi.advanceTimersByTime(200);
    expect(painted).toEqual(["2", "3"]);
    vi.advanceTimersByTime(1100);
    hold.offer(4, 4);
    vi.advanceTimersByTime(200);
    expect(hold.active).toBe(false);
    hold.offer(5, 5);
    expect(painted).toEqual(["2", "3", "5"]);
  });

  it("hold at most sixteen frames", () => {
    const { hold, painted, begin } = build();
    begin();
    for (let sequence = 2; sequence <= 20; sequence++) hold.offer(sequence, sequence);
    expect(painted).toEqual(["2", "3", "4"]);
  });

  it("do not wait for results that are always too late, and draw no boxes on other frames", () => {
    const { hold, painted } = build();
    for (let sequence = 1; sequence <= 40; sequence++) {
      expect(hold.offer(sequence, sequence)).toBe(false);
      vi.advanceTimersByTime(50);
      if (sequence > 14) hold.result(sequence - 14, [BOX]);
    }
    expect(painted).toEqual(Array.from({ length: 40 }, (_, index) => String(index + 1)));
  });

  it("start again with a camera that counts from 1 again", () => {
    const { hold, painted, begin } = build();
    hold.offer(500, 500);
    hold.result(500, [BOX]);
    begin();
    hold.offer(2, 2);
    hold.result(2, [BOX]);
    expect(painted).toEqual(["2+"]);
  });

  it("remember a limited number of results for a playback", () => {
    const { hold } = build();
    for (let sequence = 1; sequence <= 300; sequence++) hold.result(sequence, [BOX]);
    expect(hold.boxesOf(300)).toEqual([BOX]);
    expect(hold.boxesOf(44)).toEqual([]);
    expect(hold.boxesOf(45)).toEqual([BOX]);
  });

  it("drop the waiting frames when cleared", () => {
    const { hold, painted, dropped, begin } = build();
    begin();
    hold.offer(2, 2);
    hold.clear();
    vi.advanceTimersByTime(1000);
    expect(painted).toEqual([]);
    expect(dropped).toEqual([2]);
  });
});
