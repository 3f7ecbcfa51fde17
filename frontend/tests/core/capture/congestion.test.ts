/** The window and the controller together, over links of all kinds, in virtual time. */

import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { jpegBytes, SimulatedPage, type LinkOptions } from "./simulated-page.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const WANTED = { fps: 30, width: 1280, quality: 0.7 };
/** 1.5 MB/s of pictures are wanted: this carries them twice. */
const WIDE: LinkOptions = { rate: 3_000_000, delay: 5, buffer: 3_000_000 };

interface GoldenLink {
  name: string;
  bytesPerSecond: number;
  /** Milliseconds in each direction. */
  delay: number;
  demand: { maxFps?: number; maxWidth?: number };
  expected: Record<"fps" | "width" | "quality", [number, number]> & { age: number };
}

const golden = JSON.parse(
  readFileSync(new URL("../../../../tests/golden/uplink.json", import.meta.url), "utf8"),
) as { links: GoldenLink[] };

describe("a page", () => {
  it("sends everything over a wide link, and leaves nothing out", async () => {
    const page = new SimulatedPage({ ...WIDE });
    await page.run(20_000);
    expect(page.last(19_000).fps).toBeCloseTo(30, 0);
    expect(page.last(19_000).age).toBeLessThan(30);
    expect(page.outgoing.stats().dropped).toBe(0);
    expect(page.history).toEqual([]);
    page.stop();
  });

  it.each([
    [100, 2],
    [250, 4],
  ])("gets the full rate over a wide link of %i ms each way within %i s", async (delay, seconds) => {
    const page = new SimulatedPage({ ...WIDE, delay });
    await page.run(seconds * 1000);
    await page.run(10_000);
    expect(page.last(10_000).fps).toBeGreaterThan(29);
    expect(page.last(10_000).age).toBeLessThan(delay + 50);
    // A link that is only long is not taken for a narrow one.
    expect(page.history).toEqual([]);
    page.stop();
  });

  it.each([
    ["a quarter", { ...WIDE, rate: 375_000 }],
    ["a tenth", { ...WIDE, rate: 150_000 }],
    ["a tenth, 150 ms away", { ...WIDE, rate: 150_000, delay: 150 }],
    ["a fiftieth", { ...WIDE, rate: 30_000, delay: 30 }],
    ["a tenth, with hardly a buffer", { ...WIDE, rate: 150_000, buffer: 20_000 }],
  ])("lives with %s of the link it needs: fresh pictures, few left out", async (_, link: LinkOptions) => {
    const page = new SimulatedPage({ ...link });
    await page.run(6000);
    expect(page.outgoing.narrow).toBe(true);
    page.history.length = 0;
    const dropped = page.outgoing.stats().dropped;
    await page.run(60_000);
    const { age, bytesPerSecond } = page.last(50_000);
    expect(age - link.delay).toBeLessThan(350);
    expect(bytesPerSecond).toBeGreaterThan(0.5 * link.rate);
    // It tries for more now and then, less and less often.
    const weights = page.history.map(({ fps, width, quality }) => fps * jpegBytes(width, quality));
    expect(weights.filter((bytes, index) => bytes < (weights[index - 1] ?? 0)).length).toBeLessThanOrEqual(5);
    expect(page.outgoing.stats().dropped - dropped).toBeLessThan(0.08 * 60 * 30);
    page.stop();
  });

  it("adapts within 3 s when the link is cut to a quarter, and has it all back after it is free again", async () => {
    const page = new SimulatedPage({ ...WIDE, rate: 1_600_000 });
    await page.run(5000);
    expect(page.outgoing.narrow).toBe(false);
    page.link.setRate(400_000);
    await page.run(3000);
    await page.run(7000);
    expect(page.last(7000).age).toBeLessThan(200);
    expect(page.last(7000).fps).toBeGreaterThan(26);
    expect(page.outgoing.sending).toMatchObject({ fps: 30, quality: 0.35 });
    page.link.setRate(1_600_000);
    await page.run(25_000);
    expect(page.outgoing.narrow).toBe(false);
    expect(page.last(2000).fps).toBeGreaterThan(29);
    page.stop();
  });

  it.each([1500, 5000, 15_000])(
    "takes a stall of %i ms for one reduction, and has it all back soon",
    async (ms) => {
      const page = new SimulatedPage({ ...WIDE, rate: 15_000_000 });
      await page.run(10_000);
      page.link.stall(ms);
      await page.run(ms);
      expect(page.history).toHaveLength(1);
      await page.run(3000);
      expect(page.outgoing.narrow).toBe(false);
      await page.run(5000);
      expect(page.last(5000).fps).toBeGreaterThan(29);
      expect(page.history).toHaveLength(2);
      page.stop();
    },
  );

  it("tries what was carried before a stall only once if the link is narrow after it", async () => {
    const page = new SimulatedPage({ ...WIDE, rate: 15_000_000 });
    await page.run(10_000);
    page.link.setRate(75_000);
    page.link.stall(3000);
    await page.run(15_000);
    await page.run(20_000);
    expect(page.last(20_000).fps).toBeGreaterThan(5);
    expect(page.last(20_000).age).toBeLessThan(600);
    page.stop();
  });

  it("gives up quality, then width, then rate, and takes them back in the reverse order", async () => {
    const page = new SimulatedPage({ ...WIDE, rate: 12_000 }, { fps: 10, width: 640, quality: 0.6 });
    await page.run(15_000);
    expect(page.outgoing.sending).toMatchObject({ width: 320, quality: 0.3 });
    expect(page.outgoing.sending.fps).toBeLessThan(10);
    page.history.length = 0;
    page.link.setRate(3_000_000);
    await page.run(60_000);
    expect(page.outgoing.narrow).toBe(false);
    const order = page.history.map(({ fps, width, quality }) =>
      fps < 10 ? "fps" : width < 640 ? "width" : quality < 0.6 ? "quality" : "all",
    );
    expect(order.join(" ")).toMatch(/^(fps )*(width )+(quality )+all$/);
    page.stop();
  });

  it("skips frames, but leaves the pictures as they are, where that is asked for", async () => {
    const page = new SimulatedPage({ ...WIDE, rate: 375_000 });
    page.outgoing.want(WANTED, false);
    await page.run(20_000);
    expect(page.history).toEqual([]);
    expect(page.outgoing.narrow).toBe(false);
    expect(page.last(10_000).fps).toBeGreaterThan(5.5);
    expect(page.last(10_000).age).toBeLessThan(350);
    page.outgoing.want(WANTED, true);
    await page.run(5000);
    expect(page.outgoing.narrow).toBe(true);
    page.outgoing.want(WANTED, false);
    expect(page.outgoing.narrow).toBe(false);
    page.stop();
  });

  it("does not climb while nobody watches, as there is nothing to learn", async () => {
    const page = new SimulatedPage({ ...WIDE, rate: 375_000 });
    await page.run(6000);
    page.want({ ...WANTED, fps: 0.2 });
    const { width, quality } = page.outgoing.sending;
    await page.run(60_000);
    expect(page.outgoing.sending).toEqual({ fps: 0.2, width, quality });
    expect(page.last(50_000).fps).toBeCloseTo(0.2, 2);
    expect(page.outgoing.stats().fps).toBeCloseTo(0.2, 2);
    page.want(WANTED);
    await page.run(1000);
    expect(page.last(1000).fps).toBeGreaterThan(20);
    page.stop();
  });

  it("goes by what waits in the browser where the server answers no clock", async () => {
    const page = new SimulatedPage({ ...WIDE, rate: 375_000, buffer: 60_000 }, WANTED, false);
    await page.run(20_000);
    expect(page.history).toEqual([]);
    expect(page.last(10_000).fps).toBeCloseTo(7.5, 0);
    // The buffer on the way, and two frames in the browser.
    expect(page.last(10_000).age).toBeLessThan(1000 * ((60_000 + 150_000) / 375_000) + 100);
    page.stop();
  });

  it.each(golden.links)("uses a link as the Python client does: $name", async (link) => {
    const { bytesPerSecond, delay, demand, expected } = link;
    const page = new SimulatedPage({ rate: bytesPerSecond, delay, buffer: 3_000_000 });
    page.want({
      fps: Math.min(WANTED.fps, demand.maxFps ?? WANTED.fps),
      width: Math.min(WANTED.width, demand.maxWidth ?? WANTED.width),
      quality: WANTED.quality,
    });
    await page.run(50_000);
    const { width, quality } = page.outgoing.sending;
    const { fps, age } = page.last(20_000);
    expect(width).toBeGreaterThanOrEqual(expected.width[0]);
    expect(width).toBeLessThanOrEqual(expected.width[1]);
    expect(quality).toBeGreaterThanOrEqual(expected.quality[0] - 1e-6);
    expect(quality).toBeLessThanOrEqual(expected.quality[1] + 1e-6);
    expect(fps).toBeGreaterThanOrEqual(expected.fps[0]);
    expect(fps).toBeLessThanOrEqual(expected.fps[1]);
    expect(age).toBeLessThanOrEqual(expected.age);
    page.stop();
  });
});
