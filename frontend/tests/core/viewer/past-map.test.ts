import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { PastMap } from "../../../src/core/viewer/past-map.js";
import type { Span } from "../../../src/core/viewer/timeline-window.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function build() {
  const asked: [string, Span][] = [];
  const read = (cameraId: string, known: Span) => {
    asked.push([cameraId, known]);
    return Promise.resolve({ known, covered: [known], kept: [], events: [], frames: 0, bytes: 0 });
  };
  const map = new PastMap({ read });
  map.setCameras(["a"]);
  const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
  return { map, asked, pass };
}

describe("the map of the past", () => {
  it("asks once for a hand that moves, and for more than is shown", async () => {
    const { map, asked, pass } = build();
    for (let move = 0; move < 5; move++) map.show({ from: 1000 + move, to: 2000 + move });
    await pass(200);
    expect(asked).toEqual([["a", { from: 254, to: 2754 }]]);
    expect(map.past.getSnapshot()?.known).toEqual({ from: 254, to: 2754 });
    map.show({ from: 1500, to: 2500 });
    await pass(200);
    expect(asked).toHaveLength(1);
  });

  it("asks again for what it does not know, for more details, and after ten seconds", async () => {
    const { map, asked, pass } = build();
    map.show({ from: 10_000, to: 20_000 });
    await pass(200);
    map.show({ from: 1000, to: 11_000 });
    await pass(200);
    map.show({ from: 5000, to: 6000 });
    await pass(200);
    expect(asked).toHaveLength(3);
    await pass(10_000);
    map.show({ from: 5000, to: 6000 });
    await pass(200);
    expect(asked).toHaveLength(4);
  });

  it("does not ask for each picture that a live timeline grows by", async () => {
    const { map, asked, pass } = build();
    for (let tick = 0; tick < 40; tick++) {
      map.show({ from: 0, to: 1000 + 2000 * tick });
      await pass(100);
    }
    expect(asked.length).toBeLessThan(3);
  });

  it("forgets other cameras, and answers that come too late", async () => {
    const { map, asked, pass } = build();
    map.show({ from: 0, to: 1000 });
    await pass(200);
    map.setCameras(["b", "c"]);
    expect(map.past.getSnapshot()).toBeNull();
    await pass(200);
    expect(asked.slice(1).map(([cameraId]) => cameraId)).toEqual(["b", "c"]);
    map.stop();
    map.refresh();
    map.stop();
    await pass(1000);
    expect(asked).toHaveLength(3);
  });
});
