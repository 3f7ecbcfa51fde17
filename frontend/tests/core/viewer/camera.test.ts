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

const look = (camera: ViewedCamera, at: number, offset: number | undefined, subscribed: boolean) =>
  camera.snapshot(at, { offset, connected: true, subscribed });
/** A camera that the page has asked for at 0, and the painting of one of its frames at once. */
function asked() {
  const camera = new ViewedCamera("a");
  camera.describe({ cameraId: "a", online: true }, 0);
  camera.asked(0);
  const paint = (sequence: number, takenAt: number, at: number, offset?: number) => {
    camera.frameReceived(header(sequence, takenAt), at);
    camera.framePainted(painted(takenAt, { sequence }), at, offset);
  };
  return { camera, paint };
}

describe("a viewed camera", () => {
  it("is live only within three seconds of a frame that it took", () => {
    const { camera, paint } = asked();
    expect(look(camera, 0, 0, true)).toMatchObject({
      status: "waiting",
      name: "a",
      takenAt: null,
      sequence: null,
    });
    paint(1, 1000, 1100, 0);
    expect(look(camera, 4000, 0, true).status).toBe("live");
    expect(look(camera, 4100, 0, true).status).toBe("stalled");
    camera.setOffline(false);
    expect(look(camera, 4100, 0, true).status).toBe("offline");
    camera.describe({ cameraId: "a", online: true, name: "Door" }, 5000);
    camera.describe({ cameraId: "a", online: true }, 5000);
    expect(look(camera, 5100, 0, true)).toMatchObject({ status: "waiting", name: "Door" });
    paint(2, 5100, 5200, 0);
    expect(look(camera, 5200, 0, true).status).toBe("live");
  });

  it("says what is wrong with its pictures as long as it is connected", () => {
    const { camera } = asked();
    const condition = (): unknown => look(camera, 0, 0, true).condition;
    expect(condition()).toBeNull();
    camera.describe({ cameraId: "a", online: true, condition: "dark" }, 0);
    expect(condition()).toBe("dark");
    camera.describe({ cameraId: "a", online: true }, 0);
    expect(condition()).toBeNull();
    camera.describe({ cameraId: "a", online: true, condition: "frozen" }, 0);
    camera.setOffline(false);
    expect(condition()).toBeNull();
  });

  it("is never live with an old frame, however slow the camera was while nobody watched", () => {
    const { camera, paint } = asked();
    paint(1, 50_000 - 8000, 50_000, 0);
    camera.asked(50_000);
    paint(1, 50_000 - 8000, 50_100, 0);
    for (let at = 50_100; at < 80_000; at += 100) expect(look(camera, at, 0, true).status).not.toBe("live");
    expect(look(camera, 53_100, 0, true).status).toBe("stalled");
  });

  it("is not live because of frames that were painted before the page asked again", () => {
    const { camera, paint } = asked();
    paint(1, 1000, 1000, 0);
    expect(look(camera, 1500, 0, true).status).toBe("live");
    camera.asked(1600);
    expect(look(camera, 1600, 0, true).status).toBe("waiting");
    paint(2, 1700, 1700, 0);
    expect(look(camera, 1700, 0, true).status).toBe("live");
  });

  it("is live only from the second frame on while the server's clock is unknown", () => {
    const { camera, paint } = asked();
    paint(1, 0, 1000);
    paint(1, 0, 1050);
    expect(look(camera, 1100, undefined, true).status).toBe("waiting");
    paint(2, 0, 1100);
    expect(look(camera, 1100, undefined, true).status).toBe("live");
  });

  it("is unknown without a connection, unknown to the server, unwatched, or while it is played back", () => {
    const { camera, paint } = asked();
    paint(1, 1000, 1000, 0);
    const connection = { offset: 0, connected: true, subscribed: true };
    expect(camera.snapshot(1000, { ...connection, connected: false }).status).toBe("unknown");
    expect(camera.snapshot(1000, { ...connection, subscribed: false }).status).toBe("unknown");
    const playback = { cameraId: "a", speed: 1, sequence: 1, at: 0, oldestAt: 0, newestAt: 1000 };
    camera.setPlayback({ ...playback, live: false }, 1000);
    expect(camera.snapshot(1000, connection).status).toBe("unknown");
    camera.setPlayback({ ...playback, live: true }, 1100);
    expect(camera.snapshot(1100, connection).status).toBe("waiting");
    camera.setKnown(false);
    expect(camera.snapshot(1100, connection)).toMatchObject({ status: "unknown", known: false });
    camera.setKnown(undefined);
    expect(camera.snapshot(1100, connection).status).toBe("waiting");
  });

  it("marks a label that was cut", () => {
    const { camera } = asked();
    camera.describe({ cameraId: "a", online: true, name: "x".repeat(80) }, 0);
    expect(look(camera, 0, 0, true).name).toBe(`${"x".repeat(80)}…`);
  });

  it("is stopped, not offline, if its owner stopped it", () => {
    const { camera } = asked();
    camera.setOffline(true);
    expect(look(camera, 1000, 0, true).status).toBe("stopped");
    camera.describe({ cameraId: "a", online: false, stopped: true }, 1000);
    expect(look(camera, 1000, 0, true).status).toBe("stopped");
    camera.describe({ cameraId: "a", online: true }, 1000);
    expect(look(camera, 1000, 0, true).status).toBe("waiting");
  });

  it.each([-3_600_000, 600_000])(
    "is live while frames arrive, although the server's clock was set by %d ms",
    (step) => {
      const { camera, paint } = asked();
      paint(1, 0, 0, 0);
      paint(2, 1000 + step, 1000, 0);
      expect(look(camera, 1100, 0, true).status).toBe("live");
      expect(look(camera, 4100, 0, true).status).toBe("stalled");
    },
  );

  it("is not live if a new connection starts with an old frame", () => {
    const { camera, paint } = asked();
    paint(1, 0, 0, 0);
    paint(2, 100, 100, 0);
    camera.reset(60_000);
    paint(2, 100, 60_000, 0);
    expect(look(camera, 60_000, 0, true).status).toBe("waiting");
    expect(look(camera, 63_001, 0, true).status).toBe("stalled");
  });

  it("measures no delay with a clock that was set", () => {
    const camera = new ViewedCamera("a");
    camera.framePainted(painted(1000), 1040, 0);
    camera.framePainted(painted(2000 - 3_600_000), 2040, 0);
    expect(look(camera, 2100, 0, true).delay).toBe(40);
  });

  it("keeps the age of the frame on the screen when the server's clock is set", () => {
    const camera = new ViewedCamera("a");
    camera.framePainted(painted(5000), 5040, 0);
    expect(look(camera, 6000, 0, true).takenAt).toBe(5000);
    expect(look(camera, 6000, 3_600_000, true).takenAt).toBe(5000);
  });

  it("knows when the frame on the screen was captured, or at least when it was painted", () => {
    const camera = new ViewedCamera("a");
    camera.framePainted(painted(5100), 200, undefined);
    expect(look(camera, 300, 5000, true).takenAt).toBe(100);
    expect(look(camera, 300, undefined, true).takenAt).toBe(200);
    expect(look(camera, 300, 0, true).takenAt).toBe(200);
  });

  it("counts gaps in the sequence as dropped frames, except across an interruption", () => {
    const camera = new ViewedCamera("a");
    camera.frameReceived(header(10, 0), 0);
    camera.frameReceived(header(14, 0), 1);
    expect(look(camera, 1, undefined, true).dropped).toBe(3);
    camera.interrupted();
    camera.frameReceived(header(99, 0), 2);
    camera.frameDropped();
    expect(look(camera, 2, undefined, true)).toMatchObject({ dropped: 4, sequence: 99 });
  });

  it("returns the same snapshot until something changes", () => {
    const camera = new ViewedCamera("a");
    const other = { speed: 0, sequence: 3, at: 100, oldestAt: 0, newestAt: 1000 };
    camera.describe({ cameraId: "a", online: false, name: "Door" }, 0);
    camera.framePainted(painted(5100), 200, undefined);
    camera.setPlayback({ cameraId: "a", live: false, ...other }, 300);
    const first = look(camera, 10_000, 5000, true);
    expect(look(camera, 20_000, 5000, true)).toBe(first);
    camera.describe({ cameraId: "a", online: false, name: "Gate" }, 0);
    const second = look(camera, 20_000, 5000, true);
    expect(second).not.toBe(first);
    expect(second.playback).toBe(first.playback);
  });

  it("forgets a latency that the server no longer reports", () => {
    const camera = new ViewedCamera("a");
    const latency = { cameraId: "a", frames: 30, capture: null, server: 1, delivery: 20, total: 21 };
    expect(look(camera, 0, undefined, true).latency).toBeNull();
    camera.setLatency(latency, 1000);
    expect(look(camera, 5900, undefined, true).latency).toBe(latency);
    expect(look(camera, 6000, undefined, true).latency).toBeNull();
  });

  it("measures the delay on the page, as long as frames come", () => {
    const camera = new ViewedCamera("a");
    camera.framePainted(painted(5100), 200, undefined);
    expect(look(camera, 200, undefined, true).delay).toBeNull();
    for (let at = 200; at < 2000; at += 50) camera.framePainted(painted(at + 5000 - 80), at, 5000);
    expect(look(camera, 2000, 5000, true).delay).toBeCloseTo(80);
    camera.framePainted(painted(0, { live: false }), 2000, 5000);
    expect(look(camera, 2000, 5000, true).delay).toBeCloseTo(80);
    expect(look(camera, 9000, 5000, true).delay).toBeNull();
  });

  it("counts no dropped frames during a playback, nor when it ends", () => {
    const camera = new ViewedCamera("a");
    const playback = { cameraId: "a", speed: 1, sequence: 3, at: 100, oldestAt: 0, newestAt: 1000 };
    camera.frameReceived(header(10, 1000), 1000);
    camera.setPlayback({ ...playback, live: false }, 1000);
    for (const sequence of [3, 9, 4, 4])
      expect(camera.frameReceived({ ...header(sequence, 0), live: false }, 1100)).toBe(true);
    camera.framePainted(painted(300, { sequence: 4, live: false }), 1200, 0);
    expect(look(camera, 60_000, 0, true)).toMatchObject({
      status: "unknown",
      playback: { live: false, sequence: 4, at: 300 },
    });
    camera.setPlayback({ ...playback, live: true }, 60_000);
    camera.frameReceived(header(90, 60_000), 60_000);
    expect(look(camera, 60_000, 0, true)).toMatchObject({
      dropped: 0,
      sequence: 90,
      playback: { live: true },
    });
    camera.reset(60_000);
    expect(look(camera, 60_000, 0, true).playback).toBeNull();
  });

  it("ignores a duplicate, and follows a camera that counts from 1 again", () => {
    const camera = new ViewedCamera("a");
    expect(camera.frameReceived(header(10, 0), 0)).toBe(true);
    expect(camera.frameReceived(header(10, 0), 1)).toBe(false);
    expect(camera.frameReceived(header(1, 0), 2)).toBe(true);
    expect(look(camera, 2, undefined, true)).toMatchObject({ dropped: 0, sequence: 1 });
  });

  it("measures the rates of received and painted frames", () => {
    const camera = new ViewedCamera("a");
    for (let i = 0; i <= 20; i++) {
      camera.frameReceived(header(i + 1, i * 50), i * 50);
      if (i % 2 === 0) camera.framePainted(painted(i * 50), i * 50, 0);
    }
    const snapshot = look(camera, 1000, 0, true);
    expect(snapshot.receivedFps).toBeCloseTo(20);
    expect(snapshot.fps).toBeCloseTo(10);
    expect(snapshot.bytesPerSecond).toBeCloseTo(20_000);
    expect(snapshot).toMatchObject({ width: 640, height: 480, painted: 11 });
  });
});
