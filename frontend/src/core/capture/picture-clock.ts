/** Converts a camera's timestamps, which start at any value, to the page's clock. */

import { RecentMinimum } from "./recent-minimum.js";

/** The minimum is taken over 20 s, as a camera's clock drifts by some milliseconds a minute. */
const SLICE_MS = 10_000;
const SLICES = 2;
/**
 * A frame that is this much later than the others means that the camera has set its clock, or that the machine slept.
 */
const JUMP_MS = 2000;

/**
 * The frame with the shortest delay shows the difference between the clocks; other frames were captured earlier by as
 * much as their delay is longer. The delay that all frames share cannot be measured here.
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
