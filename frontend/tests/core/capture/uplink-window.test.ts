import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { RecentMinimum } from "../../../src/core/capture/recent-minimum.js";
import { UplinkWindow } from "../../../src/core/capture/uplink-window.js";

interface WindowEvent {
  at: number;
  send?: number;
  receipt?: number;
  roundTrip?: number;
  size: number;
}

const golden = JSON.parse(
  readFileSync(new URL("../../../../tests/golden/uplink.json", import.meta.url), "utf8"),
) as { window: { name: string; events: WindowEvent[] }[] };

describe("the uplink's window", () => {
  it("has room for two frames at first, and again with every receipt", () => {
    const uplink = new UplinkWindow();
    expect(uplink.open).toBe(true);
    uplink.sent(0);
    uplink.sent(33);
    expect(uplink.open).toBe(false);
    expect(uplink.answered(0, 200)).toBe(true);
    expect(uplink.open).toBe(true);
  });

  it("knows its frames' receipts from other answers, and takes one for all frames before", () => {
    const uplink = new UplinkWindow();
    uplink.sent(0);
    uplink.sent(33);
    expect(uplink.answered(20, 40)).toBe(false);
    expect(uplink.answered(33, 60)).toBe(true);
    expect(uplink.answered(0, 61)).toBe(false);
    uplink.sent(66);
    expect(uplink.open).toBe(true);
  });

  it.each(golden.window)("follows the receipts: $name", ({ events }) => {
    const window = new UplinkWindow();
    for (const { at, send, receipt, roundTrip, size } of events) {
      if (send !== undefined) window.sent(send);
      else if (receipt !== undefined) window.answered(receipt, at);
      else window.roundTrip(at, roundTrip ?? 0);
      expect(window.size).toBe(size);
    }
  });

  it("shrinks when receipts are late, by half at most in a round trip", () => {
    const uplink = new UplinkWindow();
    uplink.roundTrip(0, 10);
    uplink.roundTrip(0, -5);
    uplink.sent(0);
    uplink.sent(1);
    uplink.answered(0, 500);
    uplink.answered(1, 500);
    expect(uplink.queueing(500)).toBe(489);
    uplink.sent(600);
    expect(uplink.open).toBe(false);
  });

  it("takes an overdue receipt for a queue, and forgets all that with the connection", () => {
    const uplink = new UplinkWindow();
    expect(uplink.queueing(0)).toBe(0);
    uplink.roundTrip(0, 10);
    uplink.sent(100);
    expect(uplink.queueing(1110)).toBe(1000);
    uplink.answered(100, 1110);
    uplink.reset();
    expect(uplink.queueing(2000)).toBe(0);
    expect(uplink.open).toBe(true);
  });

  it("gives one slow receipt the benefit of the doubt", () => {
    const uplink = new UplinkWindow();
    for (const [sentAt, took] of [
      [0, 20],
      [100, 20],
      [200, 400],
    ] as const) {
      uplink.sent(sentAt);
      uplink.answered(sentAt, sentAt + took);
    }
    expect(uplink.queueing(600)).toBe(0);
  });
});

describe("the recent minimum", () => {
  it("forgets what is too long ago", () => {
    const minimum = new RecentMinimum(100, 3);
    expect(minimum.value).toBe(Infinity);
    minimum.add(0, 5);
    minimum.add(50, 9);
    minimum.add(150, 7);
    expect(minimum.value).toBe(5);
    minimum.add(320, 8);
    expect(minimum.value).toBe(7);
    minimum.add(10_000, 20);
    expect(minimum.value).toBe(20);
    minimum.reset();
    expect(minimum.value).toBe(Infinity);
  });
});
