/** When a picture was taken, out of the camera's own timestamps, which begin anywhere. */

import { RecentMinimum } from "./recent-minimum.js";

/** Cameras drift away from our clock by some milliseconds a minute. */
const SLICE_MS = 10_000;
const SLICES = 2;
/** A picture later than this after those before it means that the camera has set its clock, or that we slept. */
const JUMP_MS = 2000;

/**
 * The picture that was handed over quickest tells how far the camera's clock is from ours; the others were taken as much
 * earlier as they were handed over later. What all of them need from the sensor to us cannot be seen here.
 */
export class PictureClock {
  private readonly distance = new RecentMinimum(SLICE_MS, SLICES);

  /** `timestamp` by the camera's clock, `arrival` and the result by ours, all in milliseconds. */
  takenAt(timestamp: number, arrival: number): number {
    const distance = arrival - timestamp;
    if (distance > this.distance.value + JUMP_MS) this.distance.reset();
    this.distance.add(arrival, distance);
    return Math.min(arrival, timestamp + this.distance.value);
  }
}
