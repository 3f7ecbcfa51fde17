/**
 * Makes frames small enough for a server that refuses large ones. `client/engine/frame_size.py` has the same guard.
 */

/** Bytes; the limit of a server that does not state one. */
export const DEFAULT_LIMIT = 5 * 1024 * 1024;
const HEADROOM = 0.9;
const DEEPEST_CUT = 0.25;
const LEAST_SHARE = 0.0025;
const STEP = 1.2;
/** A frame below this share of the limit leaves room for a step up. */
const ROOMY = 0.6;
/** Milliseconds after a change before a step up is tried. */
const PATIENCE_MS = 5000;
const WIDTH_STEPS = 64;

/** Admits frames up to a limit in bytes, and computes a factor for the width so that the next frames fit. */
export class FrameSizeGuard {
  /** The most bytes that a frame may have. */
  limit = DEFAULT_LIMIT;
  /** The share of the wanted bytes that fits. */
  private share = 1;
  private changedAt = -Infinity;

  /** The factor for the wanted width. */
  get widthFactor(): number {
    // The bytes of a JPEG are about proportional to the square of its width. The steps keep the size steady.
    return Math.max(1, Math.floor(Math.sqrt(this.share) * WIDTH_STEPS + 1e-9)) / WIDTH_STEPS;
  }

  /** Returns whether a frame of this many bytes may be sent. `at` is in milliseconds. */
  admits(bytes: number, at: number): boolean {
    if (bytes > this.limit) {
      this.share = Math.max(LEAST_SHARE, this.share * Math.max(DEEPEST_CUT, (HEADROOM * this.limit) / bytes));
      this.changedAt = at;
      return false;
    }
    if (this.share < 1 && bytes < ROOMY * this.limit && at - this.changedAt >= PATIENCE_MS) {
      this.share = Math.min(1, this.share * STEP);
      this.changedAt = at;
    }
    return true;
  }
}
