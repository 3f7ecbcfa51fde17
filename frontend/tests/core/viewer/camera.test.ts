import { describe, expect, it } from "vitest";
import type { FrameMark } from "../../../src/core/viewer/painter-messages.js";
import { ViewedCamera } from "../../../src/core/viewer/camera.js";

const header = (sequence: number, timestamp: number, fps = 10) => ({
  cameraId: "a",
  sequence,
  timestamp,
  size: 1000,
  fps,
});
const painted = (takenAt = 0, change: Partial<FrameMark> = {}) => ({
  mark: { sequence: 1, takenAt, live: true, ...change },
  width: 640,
  height: 480,
});

describe("a viewed camera", () => {
  it("is first waiting, then live, stalled and offline", () => {
    const camera = new ViewedCamera("a");
    expect(camera.snapshot(0, undefined, true)).toMatchObject({
      status: "waiting",
      name: "a",
      takenAt: null,
      sequence: null,
    });
    camera.frameReceived(header(1, 0), 0);
    expect(camera.snapshot(2900, undefined, true).status).toBe("live");
    expect(camera.snapshot(3100, undefined, true).status).toBe("stalled");
    camera.setOnline(false);
    expect(camera.snapshot(3100, undefined, true).status).toBe("offline");
    camera.describe({ cameraId: "a", online: true, name: "Door" });
    camera.describe({ cameraId: "a", online: true });
    camera.frameReceived(header(2, 4000), 4000);
    expect(camera.snapshot(4100, undefined, true)).toMatchObject({ status: "live", name: "Door" });
  });

  it("is stalled later if it is slow, but within a minute", () => {
    const camera = new ViewedCamera("a");
    camera.frameReceived(header(1, 0, 0.2), 0);
    expect(camera.snapshot(19_000, undefined, true).status).toBe("live");
    expect(camera.snapshot(21_000, undefined, true).status).toBe("stalled");
    camera.describe({ cameraId: "a", online: true, fps: 0.001 });
    expect(camera.snapshot(61_000, undefined, true).status).toBe("stalled");
  });

  it("is stalled if its newest frame is old by the server's clock", () => {
    const camera = new ViewedCamera("a");
    camera.frameReceived(header(1, 50_000), 100_000);
    expect(camera.snapshot(100_000, undefined, true).status).toBe("live");
    expect(camera.snapshot(100_000, 0, true).status).toBe("stalled");
    expect(camera.snapshot(100_000, -49_000, true).status).toBe("live");
  });

  it.each([-3_600_000, 600_000])(
    "is live while frames arrive, although the server's clock was set by %d ms",
    (step) => {
      const camera = new ViewedCamera("a");
      camera.frameReceived(header(1, 0), 0);
      camera.frameReceived(header(2, 1000 + step), 1000);
      expect(camera.snapshot(1100, 0, true).status).toBe("live");
      expect(camera.snapshot(4100, 0, true).status).toBe("stalled");
    },
  );

  it("is stalled again if a new connection starts with an old frame", () => {
    const camera = new ViewedCamera("a");
    camera.frameReceived(header(1, 0), 0);
    camera.frameReceived(header(2, 100), 100);
    camera.reset();
    camera.frameReceived(header(2, 100), 60_000);
    expect(camera.snapshot(60_000, 0, true).status).toBe("stalled");
  });

  it("measures no delay with a clock that was set", () => {
    const camera = new ViewedCamera("a");
    camera.framePainted(painted(1000), 1040, 0);
    camera.framePainted(painted(2000 - 3_600_000), 2040, 0);
    expect(camera.snapshot(2100, 0, true).delay).toBe(40);
  });

  it("keeps the age of the frame on the screen when the server's clock is set", () => {
    const camera = new ViewedCamera("a");
    camera.framePainted(painted(5000), 5040, 0);
    expect(camera.snapshot(6000, 0, true).takenAt).toBe(5000);
    expect(camera.snapshot(6000, 3_600_000, true).takenAt).toBe(5000);
  });

  it("knows when the frame on the screen was captured, or at least when it was painted", () => {
    const camera = new ViewedCamera("a");
    camera.framePainted(painted(5100), 200, undefined);
    expect(camera.snapshot(300, 5000, true).takenAt).toBe(100);
    expect(camera.snapshot(300, undefined, true).takenAt).toBe(200);
    expect(camera.snapshot(300, 0, true).takenAt).toBe(200);
  });

  it("counts gaps in the sequence as dropped frames, except across an interruption", () => {
    const camera = new ViewedCamera("a");
    camera.frameReceived(header(10, 0), 0);
    camera.frameReceived(header(14, 0), 1);
    expect(camera.snapshot(1, undefined, true).dropped).toBe(3);
    camera.interrupted();
    camera.frameReceived(header(99, 0), 2);
    camera.frameDropped();
    expect(camera.snapshot(2, undefined, true)).toMatchObject({ dropped: 4, sequence: 99 });
  });

  it("is live while it is not subscribed, until the server reports it offline", () => {
    const camera = new ViewedCamera("a");
    expect(camera.snapshot(0, undefined, false).status).toBe("waiting");
    camera.frameReceived(header(1, 0), 0);
    expect(camera.snapshot(60_000, undefined, false).status).toBe("live");
    expect(camera.snapshot(60_000, undefined, true).status).toBe("stalled");
    camera.setOnline(false);
    expect(camera.snapshot(60_000, undefined, false).status).toBe("offline");
  });

  it("returns the same snapshot until something changes", () => {
    const camera = new ViewedCamera("a");
    const other = { speed: 0, sequence: 3, at: 100, oldestAt: 0, newestAt: 1000 };
    camera.describe({ cameraId: "a", online: false, name: "Door" });
    camera.framePainted(painted(5100), 200, undefined);
    camera.setPlayback({ cameraId: "a", live: false, ...other }, 300);
    const first = camera.snapshot(10_000, 5000, true);
    expect(camera.snapshot(20_000, 5000, true)).toBe(first);
    camera.describe({ cameraId: "a", online: false, name: "Gate" });
    const second = camera.snapshot(20_000, 5000, true);
    expect(second).not.toBe(first);
    expect(second.playback).toBe(first.playback);
  });

  it("forgets a latency that the server no longer reports", () => {
    const camera = new ViewedCamera("a");
    const latency = { cameraId: "a", frames: 30, capture: null, server: 1, delivery: 20, total: 21 };
    expect(camera.snapshot(0, undefined, true).latency).toBeNull();
    camera.setLatency(latency, 1000);
    expect(camera.snapshot(5900, undefined, true).latency).toBe(latency);
    expect(camera.snapshot(6000, undefined, true).latency).toBeNull();
  });

  it("measures the delay on the page, as long as frames come", () => {
    const camera = new ViewedCamera("a");
    camera.framePainted(painted(5100), 200, undefined);
    expect(camera.snapshot(200, undefined, true).delay).toBeNull();
    for (let at = 200; at < 2000; at += 50) camera.framePainted(painted(at + 5000 - 80), at, 5000);
    expect(camera.snapshot(2000, 5000, true).delay).toBeCloseTo(80);
    camera.framePainted(painted(0, { live: false }), 2000, 5000);
    expect(camera.snapshot(2000, 5000, true).delay).toBeCloseTo(80);
    expect(camera.snapshot(9000, 5000, true).delay).toBeNull();
  });

  it("counts no dropped frames during a playback, nor when it ends", () => {
    const camera = new ViewedCamera("a");
    const playback = { cameraId: "a", speed: 1, sequence: 3, at: 100, oldestAt: 0, newestAt: 1000 };
    camera.frameReceived(header(10, 1000), 1000);
    camera.setPlayback({ ...playback, live: false }, 1000);
    for (const sequence of [3, 9, 4, 4])
      expect(camera.frameReceived({ ...header(sequence, 0), live: false }, 1100)).toBe(true);
    camera.framePainted(painted(300, { sequence: 4, live: false }), 1200, 0);
    expect(camera.snapshot(60_000, 0, true)).toMatchObject({
      status: "live",
      playback: { live: false, sequence: 4, at: 300 },
    });
    camera.setPlayback({ ...playback, live: true }, 60_000);
    camera.frameReceived(header(90, 60_000), 60_000);
    expect(camera.snapshot(60_000, 0, true)).toMatchObject({
      dropped: 0,
      sequence: 90,
      playback: { live: true },
    });
    camera.reset();
    expect(camera.snapshot(60_000, 0, true).playback).toBeNull();
  });

  it("ignores a duplicate, and follows a camera that counts from 1 again", () => {
    const camera = new ViewedCamera("a");
    expect(camera.frameReceived(header(10, 0), 0)).toBe(true);
    expect(camera.frameReceived(header(10, 0), 1)).toBe(false);
    expect(camera.frameReceived(header(1, 0), 2)).toBe(true);
    expect(camera.snapshot(2, undefined, true)).toMatchObject({ dropped: 0, sequence: 1 });
  });

  it("measures the rates of received and painted frames", () => {
    const camera = new ViewedCamera("a");
    for (let i = 0; i <= 20; i++) {
      camera.frameReceived(header(i + 1, i * 50), i * 50);
      if (i % 2 === 0) camera.framePainted(painted(i * 50), i * 50, 0);
    }
    const snapshot = camera.snapshot(1000, 0, true);
    expect(snapshot.receivedFps).toBeCloseTo(20);
    expect(snapshot.fps).toBeCloseTo(10);
    expect(snapshot.bytesPerSecond).toBeCloseTo(20_000);
    expect(snapshot).toMatchObject({ width: 640, height: 480, painted: 11 });
  });
});
