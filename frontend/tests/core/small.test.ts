import { readFileSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";
import {
  cameraListUrl,
  captureSocketUrl,
  clipUrl,
  frameUrl,
  serverBase,
  snapshotUrl,
  viewerSocketUrl,
  watchPageUrl,
} from "../../src/core/address.js";
import { Backoff, backoffMs, LASTING_MS } from "../../src/core/backoff.js";
import { ClockSync } from "../../src/core/clock.js";
import { explain } from "../../src/core/explain.js";
import { cameraFailure, type Failure } from "../../src/core/failures.js";
import { RateMeter } from "../../src/core/meter.js";
import { ConflatingQueue } from "../../src/core/conflating-queue.js";
import { reuse, Store } from "../../src/core/store.js";

describe("addresses", () => {
  it.each([
    [undefined, "https://host/capture?id=a#x", "https://host/"],
    ["", "https://host/", "https://host/"],
    [undefined, "https://host/cams/stream", "https://host/cams/"],
    [undefined, "https://host/cams/", "https://host/cams/"],
    ["ws://other:81", "https://host/", "http://other:81/"],
    ["wss://other/cams/ws", "https://host/", "https://other/cams/"],
    ["https://other/cams/stream/ws?a=1", "https://host/", "https://other/cams/"],
    ["../else", "https://host/cams/page", "https://host/else/"],
    [undefined, "https://host/cams/?link=lnk_1&client=a", "https://host/cams/?link=lnk_1"],
    ["https://other/cams?link=lnk_1&x=1", "https://host/", "https://other/cams/?link=lnk_1"],
  ])("finds the base of %s on %s", (server, page, base) => {
    expect(serverBase(server, page).href).toBe(base);
  });

  it.each(["ftp://host/", "javascript:alert(1)", "http://"])("refuses %s", (server) => {
    expect(() => serverBase(server, "https://host/")).toThrow(TypeError);
  });

  it("puts every endpoint under the base", () => {
    const base = new URL("https://host/cams/");
    expect(captureSocketUrl(base)).toBe("wss://host/cams/ws");
    expect(viewerSocketUrl(base, ["a", "b"])).toBe("wss://host/cams/stream/ws?client=a&client=b");
    expect(viewerSocketUrl(new URL("http://host/"), [])).toBe("ws://host/stream/ws");
    expect(viewerSocketUrl(base, ["a"], 2.5)).toBe("wss://host/cams/stream/ws?client=a&maxFps=2.5");
    expect(cameraListUrl(base)).toBe("https://host/cams/api/clients");
    expect(snapshotUrl(base, "a.b")).toBe("https://host/cams/api/clients/a.b/latest.jpg");
  });

  it("passes a signed link on to every endpoint, and to no page", () => {
    const base = serverBase("https://host/cams/?link=lnk_1", "https://host/");
    expect(captureSocketUrl(base)).toBe("wss://host/cams/ws?link=lnk_1");
    expect(viewerSocketUrl(base, ["a"])).toBe("wss://host/cams/stream/ws?link=lnk_1&client=a");
    expect(cameraListUrl(base)).toBe("https://host/cams/api/clients?link=lnk_1");
    expect(frameUrl(base, "a", 1500)).toBe("https://host/cams/api/clients/a/latest.jpg?link=lnk_1&at=1.500");
    expect(clipUrl(base, "a", 0, 1, "zip")).toContain("/clip?link=lnk_1&from=");
    expect(watchPageUrl(base, "a")).toBe("https://host/cams/?client=a");
  });
});

describe("back-off", () => {
  it("is that of the other programs", () => {
    const file = new URL("../../../tests/golden/backoff.json", import.meta.url);
    const golden = JSON.parse(readFileSync(file, "utf8")) as {
      ceilings: number[];
      randoms: number[];
      lasting: number;
      attempts: { lasted: number; carried: boolean; ceiling: number }[];
    };
    for (const [attempt, ceiling] of golden.ceilings.entries())
      for (const random of golden.randoms)
        expect(backoffMs(attempt, random)).toBeCloseTo(1000 * random * ceiling, 6);
    expect(LASTING_MS).toBe(1000 * golden.lasting);
    const backoff = new Backoff(() => 1);
    for (const { lasted, carried, ceiling } of golden.attempts) {
      if (carried) backoff.noteSuccess();
      expect(backoff.delayAfter(1000 * lasted)).toBe(1000 * ceiling);
    }
  });
});

describe("rates", () => {
  it("are events and amounts per second over the window", () => {
    const meter = new RateMeter(1000);
    for (let at = 0; at <= 3000; at += 50) meter.add(at, 10);
    const { perSecond, amountPerSecond } = meter.rates(3000);
    expect(perSecond).toBeCloseTo(20);
    expect(amountPerSecond).toBeCloseTo(200);
  });

  it("fall as soon as events are overdue, and to zero after the window", () => {
    const meter = new RateMeter(1000);
    for (let at = 0; at <= 1000; at += 100) meter.add(at);
    expect(meter.rates(1050).perSecond).toBeCloseTo(10);
    expect(meter.rates(1500).perSecond).toBeLessThan(7);
    expect(meter.rates(2500).perSecond).toBe(0);
  });

  it("are zero before the second event and after a reset", () => {
    const meter = new RateMeter();
    meter.add(0);
    expect(meter.rates(1)).toEqual({ perSecond: 0, amountPerSecond: 0 });
    meter.add(10);
    meter.reset();
    expect(meter.rates(11).perSecond).toBe(0);
  });

  it("stay right when old entries are removed", () => {
    const meter = new RateMeter(1000);
    for (let at = 0; at <= 20_000; at += 10) meter.add(at);
    expect(meter.rates(20_000).perSecond).toBeCloseTo(100);
  });
});

describe("the clock", () => {
  it("uses the answer with the shortest round trip", () => {
    const clock = new ClockSync();
    expect(clock.roundTrip).toBeUndefined();
    expect(clock.offset).toBeUndefined();
    clock.add(1000, 6010, 1020);
    clock.add(2000, 7300, 2400);
    expect(clock.roundTrip).toBe(400);
    expect(clock.offset).toBe(5000);
  });

  it("forgets old answers, ignores impossible ones, and can be reset", () => {
    const clock = new ClockSync();
    clock.add(0, 100, 2);
    for (let i = 0; i < 12; i++) clock.add(0, 55, 10);
    clock.add(10, 9999, 5);
    expect(clock.offset).toBe(50);
    clock.reset();
    expect(clock.offset).toBeUndefined();
  });

  it.each([-3_600_000, -200, 200, 600_000])("follows a clock that was set by %d ms at once", (step) => {
    const clock = new ClockSync();
    clock.add(0, 1005, 10);
    clock.add(2000, 3100, 2200);
    clock.add(4000, 5050 + step, 4100);
    expect(clock.offset).toBe(1000 + step);
  });

  it("does not take the delay of a slow answer for a clock that was set", () => {
    const clock = new ClockSync();
    clock.add(0, 1005, 10);
    // The whole round trip of eight seconds was on the way there, or on the way back.
    clock.add(1000, 10_000, 9000);
    clock.add(2000, 3000, 10_000);
    expect(clock.offset).toBe(1000);
  });
});

describe("the store", () => {
  it("notifies listeners of changes, and only of changes, until they unsubscribe", () => {
    const store = new Store(1);
    const listener = vi.fn();
    const unsubscribe = store.subscribe(listener);
    store.set(2);
    store.set(2);
    expect(listener).toHaveBeenCalledTimes(1);
    unsubscribe();
    store.set(3);
    expect(listener).toHaveBeenCalledTimes(1);
    expect(store.getSnapshot()).toBe(3);
  });
});

describe("reuse", () => {
  it("returns the object before if nothing in it has changed", () => {
    const before = { a: 1, b: "x" };
    expect(reuse(before, { a: 1, b: "x" })).toBe(before);
    expect(reuse(before, { a: 1, b: "y" })).toEqual({ a: 1, b: "y" });
    expect(reuse<object>(before, { a: 1 })).toEqual({ a: 1 });
    expect(reuse(undefined, before)).toBe(before);
    const list = [before];
    expect(reuse(list, [before])).toBe(list);
    expect(reuse(list, [before, before])).toHaveLength(2);
  });
});

describe("the conflating queue", () => {
  it("works on one item at a time, and then on the newest of those that waited", async () => {
    const finish: (() => void)[] = [];
    const begun: number[] = [];
    const dropped: number[] = [];
    const queue = new ConflatingQueue<number>(
      (item) => {
        begun.push(item);
        return new Promise((resolve) => finish.push(resolve));
      },
      (item) => dropped.push(item),
    );
    for (const item of [1, 2, 3]) queue.offer(item);
    expect(begun).toEqual([1]);
    expect(dropped).toEqual([2]);
    finish.shift()?.();
    await Promise.resolve();
    expect(begun).toEqual([1, 3]);
    queue.offer(4);
    queue.clear();
    expect(dropped).toEqual([2, 4]);
    finish.shift()?.();
    await Promise.resolve();
    queue.offer(5);
    expect(begun).toEqual([1, 3, 5]);
  });
});

describe("failures", () => {
  it.each([
    ["NotAllowedError", "permission-denied"],
    ["SecurityError", "permission-denied"],
    ["NotFoundError", "no-camera"],
    ["OverconstrainedError", "no-camera"],
    ["NotReadableError", "camera-in-use"],
    ["AbortError", "camera-in-use"],
    ["TypeError", "camera-failed"],
  ])("turns %s into %s", (name, kind) => {
    expect(cameraFailure(new DOMException("words", name)).kind).toBe(kind);
  });

  it("keeps the message of an unknown error", () => {
    expect(cameraFailure(new Error("odd"))).toEqual({ kind: "camera-failed", detail: "odd" });
    expect(cameraFailure("odder")).toEqual({ kind: "camera-failed", detail: "odder" });
  });

  const all: Failure[] = [
    { kind: "insecure-context", address: "http://10.0.0.1" },
    { kind: "unsupported" },
    { kind: "permission-denied" },
    { kind: "no-camera" },
    { kind: "camera-in-use" },
    { kind: "camera-lost" },
    { kind: "camera-failed", detail: "odd" },
    { kind: "server-gone", retryAt: null },
    { kind: "refused", cameraId: "a", reason: "full" },
    { kind: "replaced", cameraId: "a" },
    { kind: "frame-too-big" },
    { kind: "sent-away", reason: "flood" },
    { kind: "bad-address", detail: "no" },
  ];
  it.each(all)("has a title and advice for $kind", (failure) => {
    const { title, advice } = explain(failure);
    expect(title.length).toBeGreaterThan(10);
    expect(advice.length).toBeGreaterThan(0);
  });

  it("has a different title for each", () => {
    expect(new Set(all.map((failure) => explain(failure).title)).size).toBe(all.length);
  });
});
