import { describe, expect, it } from "vitest";
import { FrameSizeGuard } from "../../../src/core/capture/frame-size.js";

function guardOf(limit: number): FrameSizeGuard {
  const guard = new FrameSizeGuard();
  guard.limit = limit;
  return guard;
}

describe("the guard of the frame size", () => {
  it("leaves frames within the limit as they are", () => {
    const guard = guardOf(1000);
    expect(guard.admits(1000, 0)).toBe(true);
    expect(guard.widthFactor).toBe(1);
  });

  it.each([1.01, 1.5, 3, 20])("makes frames that are %d times too large fit", (factor) => {
    const guard = guardOf(1000);
    let frames = 0;
    while (!guard.admits(1000 * factor * guard.widthFactor, frames * 100)) frames++;
    expect(frames).toBeLessThan(15);
  });

  it("lets them grow again in steps five seconds apart, if there is room", () => {
    const guard = guardOf(1000);
    guard.admits(1500, 0);
    const reduced = guard.widthFactor;
    expect(reduced).toBeLessThan(1);
    for (let second = 1; second < 60; second++) guard.admits(800, second * 1000);
    expect(guard.widthFactor).toBe(reduced);
    for (let second = 60; second < 64; second++) guard.admits(400, second * 1000);
    expect(guard.widthFactor).toBeGreaterThan(reduced);
    const step = guard.widthFactor;
    expect(step).toBeLessThan(1);
    for (let second = 64; second < 120; second++) guard.admits(400, second * 1000);
    expect(guard.widthFactor).toBe(1);
  });
});
