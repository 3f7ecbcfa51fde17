/** Converts a camera's timestamps, which start at any value, to our clock. */

import { RecentMinimum } from "./recent-minimum.js";

/** The minimum is taken over 20 s, because a camera's clock drifts by some milliseconds a minute. */
const SLICE_MS = 10_000;
const SLICES = 2;
/** If a frame comes this much later than the others, the camera has set its clock, or the machine slept. */
const JUMP_MS = 2000;

/**
 * Computes when frames were captured. The frame with the shortest delay shows the difference between the two clocks.
 * Another frame came later by the difference between its delay and the shortest delay. The delay that all frames share
 * cannot be measured here.
 */
export class PictureClock {
  private readonly distance = new RecentMinimum(SLICE_MS, SLICES);

  /**
   * Returns when a frame was captured. `timestamp` is by the camera's clock, `arrival` and the result by ours, in
   * milliseconds.
   */
  takenAt(timestamp: number, arrival: number): number {
    const distance = arrival - timestamp;
    if (distance > this.distance.value + JUMP_MS) this.distance.reset();
    this.distance.add(arrival, distance);
    return Math.min(arrival, timestamp + this.distance.value);
  }
}
