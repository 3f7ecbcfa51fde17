import { describe, expect, it, vi } from "vitest";
import { PaintLoop } from "../../../src/core/viewer/paint-loop.js";

function build() {
  const decoding: { resolve: () => void; reject: () => void }[] = [];
  const repaints: (() => void)[] = [];
  const painted: string[] = [];
  const dropped: string[] = [];
  const broken: string[] = [];
  const closed: string[] = [];
  const loop = new PaintLoop<string, { width: number; height: number; close(): void; name: string }>({
    decode: (name) =>
      new Promise((resolve, reject) => {
        decoding.push({
          resolve: () => resolve({ name, width: 4, height: 2, close: () => closed.push(name) }),
          reject: () => reject(new Error("no picture")),
        });
      }),
    paint: ({ name }) => painted.push(name),
    nextRepaint: (callback) => repaints.push(callback),
    onPainted: (_, size) => expect(size).toEqual({ width: 4, height: 2 }),
    onDropped: (name) => dropped.push(name),
    onBroken: (name) => broken.push(name),
  });
  const settle = async (index: number, how: "resolve" | "reject" = "resolve") => {
    await vi.waitFor(() => expect(decoding.length).toBeGreaterThan(index));
    decoding[index]?.[how]();
    await Promise.resolve();
    await Promise.resolve();
  };
  return { loop, repaints, painted, dropped, broken, closed, decoding, settle };
}

describe("the paint loop", () => {
  it("paints a decoded frame at the next repaint", async () => {
    const { loop, repaints, painted, settle } = build();
    loop.offer("a");
    await settle(0);
    expect(painted).toEqual([]);
    repaints[0]?.();
    repaints[0]?.();
    expect(painted).toEqual(["a"]);
  });

  it("decodes one frame at a time, and then only the newest of those that came meanwhile", async () => {
    const { loop, decoding, dropped, settle } = build();
    for (const name of ["a", "b", "c"]) loop.offer(name);
    expect(decoding).toHaveLength(1);
    expect(dropped).toEqual(["b"]);
    await settle(0);
    expect(decoding).toHaveLength(2);
  });

  it("replaces a decoded frame that has not been painted yet", async () => {
    const { loop, repaints, painted, dropped, closed, settle } = build();
    loop.offer("a");
    await settle(0);
    loop.offer("b");
    await settle(1);
    expect(repaints).toHaveLength(1);
    repaints[0]?.();
    expect(painted).toEqual(["b"]);
    expect(dropped).toEqual(["a"]);
    expect(closed).toEqual(["a"]);
  });

  it("continues after a frame that cannot be decoded", async () => {
    const { loop, repaints, painted, broken, settle } = build();
    loop.offer("bad");
    await settle(0, "reject");
    expect(broken).toEqual(["bad"]);
    loop.offer("good");
    await settle(1);
    repaints[0]?.();
    expect(painted).toEqual(["good"]);
  });

  it("paints nothing once stopped, and closes what it has decoded", async () => {
    const { loop, repaints, painted, closed, settle } = build();
    loop.offer("a");
    await settle(0);
    loop.offer("b");
    loop.stop();
    await settle(1);
    repaints[0]?.();
    expect(painted).toEqual([]);
    expect(closed).toEqual(["a", "b"]);
  });
});
