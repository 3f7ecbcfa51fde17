import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Acks } from "../../../src/core/viewer/acks.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function build() {
  const sent: Record<string, unknown>[] = [];
  const acks = new Acks((text) => sent.push(JSON.parse(text) as Record<string, unknown>));
  return { acks, sent };
}

describe("acks", () => {
  it("acknowledge a frame and all before it once", () => {
    const { acks, sent } = build();
    for (const sequence of [1, 2, 3]) acks.received("a", sequence);
    acks.settle("a", 2, 50);
    acks.settle("a", 1, 60);
    acks.settle("b", 1);
    acks.settle("a", 3);
    expect(sent).toEqual([
      { type: "ack", clientId: "a", sequence: 2, paintedAt: 50 },
      { type: "ack", clientId: "a", sequence: 3 },
    ]);
  });

  it("follow the order of arrival, as a playback may go backwards", () => {
    const { acks, sent } = build();
    for (const sequence of [9, 8, 7]) acks.received("a", sequence);
    for (const sequence of [9, 8, 7]) acks.settle("a", sequence);
    expect(sent.map(({ sequence }) => sequence)).toEqual([9, 8, 7]);
  });

  it("remember a limited number of frames", () => {
    const { acks, sent } = build();
    for (let sequence = 1; sequence <= 100; sequence++) acks.received("a", sequence);
    acks.settle("a", 1);
    expect(sent).toEqual([]);
    acks.settle("a", 100);
    expect(sent).toHaveLength(1);
  });

  it("do not flood the server: later ones replace those above the rate, and the last one is always sent", () => {
    const { acks, sent } = build();
    for (let sequence = 1; sequence <= 40; sequence++)
      for (let camera = 0; camera < 32; camera++) {
        acks.received(`c${camera}`, sequence);
        acks.settle(`c${camera}`, sequence);
      }
    expect(sent.length).toBeLessThanOrEqual(250);
    vi.advanceTimersByTime(200);
    expect(sent.length).toBeLessThanOrEqual(282);
    for (let camera = 0; camera < 32; camera++)
      expect(sent.filter(({ clientId }) => clientId === `c${camera}`).at(-1)?.sequence).toBe(40);
  });

  it("do not acknowledge frames of another connection", () => {
    const { acks, sent } = build();
    acks.received("a", 1);
    acks.reset();
    acks.settle("a", 1);
    vi.advanceTimersByTime(1000);
    expect(sent).toEqual([]);
  });
});
