import { describe, expect, it } from "vitest";
import { Adaptation } from "../../../src/core/capture/adaptation.js";
import { RecentMinimum } from "../../../src/core/capture/recent-minimum.js";
import { Uplink } from "../../../src/core/capture/uplink.js";

describe("the uplink's window", () => {
  it("has room for two frames at first, and again with every receipt", () => {
    const uplink = new Uplink();
    expect(uplink.open).toBe(true);
    uplink.sent(0);
    uplink.sent(33);
    expect(uplink.open).toBe(false);
    expect(uplink.answered(0, 200)).toBe(true);
    expect(uplink.open).toBe(true);
  });

  it("knows its frames' receipts from other answers, and takes one for all frames before", () => {
    const uplink = new Uplink();
    uplink.sent(0);
    uplink.sent(33);
    expect(uplink.answered(20, 40)).toBe(false);
    expect(uplink.answered(33, 60)).toBe(true);
    expect(uplink.answered(0, 61)).toBe(false);
    uplink.sent(66);
    expect(uplink.open).toBe(true);
  });

  it("grows while it is used up and nothing queues, and not while it is not", () => {
    const room = (uplink: Uplink): number => {
      let frames = 0;
      while (uplink.open) uplink.sent(1e6 + ++frames);
      return frames;
    };
    const full = new Uplink();
    for (let at = 0; at < 2000; at += 200) {
      const sent: number[] = [];
      while (full.open) {
        full.sent(at + sent.length);
        sent.push(at + sent.length);
      }
      for (const sentAt of sent) full.answered(sentAt, sentAt + 100);
    }
    expect(room(full)).toBe(60);

    const idle = new Uplink();
    for (let at = 0; at < 10_000; at += 200) {
      idle.sent(at);
      idle.answered(at, at + 100);
    }
    expect(room(idle)).toBe(2);
  });

  it("shrinks when receipts are late, by half at most in a round trip", () => {
    const uplink = new Uplink();
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
    const uplink = new Uplink();
    expect(uplink.queueing(0)).toBe(0);
    uplink.roundTrip(0, 10);
    uplink.sent(100);
    expect(uplink.queueing(1110)).toBe(1000);
    uplink.answered(100, 1110);
    expect(uplink.takeBusy()).toBe(1000);
    expect(uplink.takeBusy()).toBe(0);
    uplink.reset();
    expect(uplink.queueing(2000)).toBe(0);
    expect(uplink.open).toBe(true);
  });

  it("gives one slow receipt the benefit of the doubt", () => {
    const uplink = new Uplink();
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

describe("the adaptation", () => {
  const wanted = { fps: 10, width: 640, quality: 0.6 };

  /** A second in which `sent` of ten frames were sent. */
  function second(adaptation: Adaptation, from: number, sent: number, queueing: number): void {
    for (let i = 0; i < 11; i++) {
      const at = from + i * 100;
      if (i < sent) adaptation.sent(at);
      else adaptation.lost(at);
      adaptation.judge(at, wanted, queueing, 0);
    }
  }

  it("gives up more at once the less is carried", () => {
    const little = new Adaptation();
    little.lost(0);
    second(little, 0, 8, 100);
    expect(little.limit(wanted)).toEqual({ ...wanted, quality: 0.6 * 0.75 });
    const much = new Adaptation();
    much.lost(0);
    second(much, 0, 1, 100);
    expect(much.limit(wanted)).toEqual({ ...wanted, quality: 0.35, width: 360 });
  });

  it("gives up nothing for frames lost while nothing queues", () => {
    const adaptation = new Adaptation();
    adaptation.lost(0);
    second(adaptation, 0, 2, 10);
    expect(adaptation.limit(wanted)).toEqual(wanted);
  });

  it("leaves what is below the floors already alone, down to one frame a second", () => {
    const adaptation = new Adaptation();
    const low = { fps: 2, width: 160, quality: 0.2 };
    for (let at = 0; at < 20_000; at += 100) {
      adaptation.lost(at);
      adaptation.judge(at, low, 500, 0);
    }
    expect(adaptation.limit(low)).toEqual({ ...low, fps: 1 });
    adaptation.reset();
    expect(adaptation.limit(low)).toEqual(low);
  });

  it("waits longer after each trial that failed, unless the link stands idle", () => {
    const waits = (busy: number): number[] => {
      const adaptation = new Adaptation();
      const found: number[] = [];
      let from = 0;
      for (let round = 0; round < 3; round++) {
        adaptation.lost(from);
        second(adaptation, from, 7, 100);
        const began = from + 1000;
        let at = began;
        do {
          at += 100;
          adaptation.sent(at);
        } while (!adaptation.judge(at, wanted, 10, busy));
        found.push(Math.round((at - began) / 1000));
        from = at + 100;
      }
      return found;
    };
    expect(waits(50)).toEqual([2, 4, 8]);
    expect(waits(5)).toEqual([2, 2, 2]);
  });
});
