import { describe, expect, it, vi } from "vitest";
import { EncodeLoop, type EncodedFrame } from "../../../src/core/capture/encode-loop.js";
import { fit, FramePacer } from "../../../src/core/capture/pacer.js";

describe("the pacer", () => {
  it.each([
    [30, 30],
    [30, 25],
    [30, 20],
    [30, 15],
    [30, 7],
    [30, 1],
    [60, 24],
  ])("reduces %i fps evenly to %i fps", (from, to) => {
    const pacer = new FramePacer(to);
    let taken = 0;
    // Ten seconds of a camera whose frames come up to 3 ms early or late.
    for (let i = 0; i < from * 10; i++) if (pacer.accept((i * 1000) / from + ((i * 7) % 7) - 3)) taken++;
    expect(taken / 10).toBeCloseTo(to, 0);
  });

  it("accepts every frame of a slower camera, and does not catch up after a gap", () => {
    const pacer = new FramePacer(30);
    expect([0, 100, 200, 5000, 5100].map((at) => pacer.accept(at))).toEqual([true, true, true, true, true]);
    expect(pacer.accept(5110)).toBe(false);
  });

  it("applies a new rate at once", () => {
    const pacer = new FramePacer(1);
    pacer.accept(0);
    expect(pacer.accept(100)).toBe(false);
    pacer.setRate(30);
    expect(pacer.accept(110)).toBe(true);
  });
});

describe("fitting", () => {
  it("limits the longer side, keeps the shape, never enlarges, and returns even numbers", () => {
    expect(fit(1920, 1080, 640)).toEqual({ width: 640, height: 360 });
    expect(fit(1080, 1920, 640)).toEqual({ width: 360, height: 640 });
    expect(fit(320, 240, 640)).toEqual({ width: 320, height: 240 });
    expect(fit(641, 3, 640)).toEqual({ width: 640, height: 2 });
    expect(fit(0, 0, 640)).toEqual({ width: 2, height: 2 });
  });
});

function build(encode = (): Promise<ArrayBuffer> => Promise.resolve(new ArrayBuffer(9))) {
  const frames: EncodedFrame[] = [];
  const onSkipped = vi.fn();
  const onError = vi.fn();
  const spy = vi.fn(encode);
  const loop = new EncodeLoop(
    { fps: 10, quality: 0.5, width: 640 },
    { encode: spy, onFrame: (frame) => frames.push(frame), onSkipped, onError },
  );
  const picture = () => ({ width: 1280, height: 720, close: vi.fn() });
  return { loop, frames, onSkipped, onError, encode: spy, picture };
}

describe("the encode loop", () => {
  it("encodes in the wanted size and quality, and closes the picture", async () => {
    const { loop, frames, encode, picture } = build();
    const first = picture();
    loop.offer(first, 0);
    await vi.waitFor(() => expect(frames).toHaveLength(1));
    expect(encode).toHaveBeenCalledWith(first, 640, 360, 0.5);
    expect(frames[0]).toMatchObject({ width: 640, height: 360 });
    await vi.waitFor(() => expect(first.close).toHaveBeenCalledTimes(1));
  });

  it("does not report frames above the rate as skipped", () => {
    const { loop, onSkipped, picture } = build();
    loop.offer(picture(), 0);
    const early = picture();
    loop.offer(early, 20);
    expect(early.close).toHaveBeenCalled();
    expect(onSkipped).not.toHaveBeenCalled();
  });

  it("reports when each picture was taken", async () => {
    const { loop, frames, picture } = build();
    loop.offer(picture(), 70);
    await vi.waitFor(() => expect(frames[0]?.takenAt).toBe(70));
  });

  it("encodes the next picture at once when the rate rises", async () => {
    const { loop, frames, picture } = build();
    loop.configure({ fps: 0.2, quality: 0.5, width: 640 });
    loop.offer(picture(), 0);
    loop.offer(picture(), 1000);
    await vi.waitFor(() => expect(frames).toHaveLength(1));
    loop.configure({ fps: 30, quality: 0.5, width: 640 });
    loop.offer(picture(), 1010);
    await vi.waitFor(() => expect(frames.map(({ takenAt }) => takenAt)).toEqual([0, 1010]));
  });

  it("skips pictures without encoding while held, and encodes the next one afterwards at once", () => {
    const { loop, encode, onSkipped, picture } = build();
    loop.hold(true);
    const held = picture();
    loop.offer(held, 0);
    expect(held.close).toHaveBeenCalled();
    loop.offer(picture(), 50);
    expect(onSkipped).not.toHaveBeenCalled();
    loop.offer(picture(), 100);
    expect(onSkipped).toHaveBeenCalledTimes(1);
    loop.hold(false);
    loop.offer(picture(), 130);
    expect(encode).toHaveBeenCalledTimes(1);
    loop.offer(picture(), 160);
    expect(encode).toHaveBeenCalledTimes(1);
    expect(onSkipped).toHaveBeenCalledTimes(1);
  });

  it("keeps only the newest picture if encoding is too slow", async () => {
    const finish: (() => void)[] = [];
    const { loop, frames, onSkipped, picture } = build(
      () => new Promise((resolve) => finish.push(() => resolve(new ArrayBuffer(1)))),
    );
    const pictures = [0, 100, 200].map((at) => {
      const offered = picture();
      loop.offer(offered, at);
      return offered;
    });
    expect(onSkipped).toHaveBeenCalledTimes(1);
    expect(pictures[1]?.close).toHaveBeenCalled();
    finish[0]?.();
    await vi.waitFor(() => expect(finish).toHaveLength(2));
    loop.stop();
    finish[1]?.();
    await vi.waitFor(() => expect(frames).toHaveLength(2));
  });

  it("continues after an encoding error, and applies new settings", async () => {
    const { loop, encode, onError, frames, picture } = build();
    encode.mockRejectedValueOnce(new Error("no"));
    loop.offer(picture(), 0);
    await vi.waitFor(() => expect(onError).toHaveBeenCalledTimes(1));
    loop.configure({ fps: 20, quality: 0.9, width: 320 });
    loop.configure({ fps: 20, quality: 0.9, width: 320 });
    loop.offer(picture(), 50);
    await vi.waitFor(() => expect(frames).toHaveLength(1));
    expect(encode).toHaveBeenLastCalledWith(expect.anything(), 320, 180, 0.9);
  });
});
