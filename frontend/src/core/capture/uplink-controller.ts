/**
 * Reduces quality, then width, then rate when the uplink cannot carry what is wanted, and raises them again later.
 * `client/engine/uplink_controller.py` has the same controller; both are tested with `tests/golden/uplink.json`.
 */

import type { EncoderSettings } from "./encode-loop.js";

/** Milliseconds between two evaluations. */
export const PERIOD_MS = 500;
/** After this many bad periods in a row, the uplink counts as too slow. A single bad period may have another cause. */
const PERIODS_TO_FALL = 2;
/** A period lasts until at least this many frames were sent or skipped. */
const MIN_FRAMES = 3;
/** A period is bad if more than this share of its frames was skipped. */
const BAD_SHARE = 0.1;
/** A period longer than this does not show what the link could carry, because hardly anything was sent. */
const LONGEST_USEFUL_MS = 5000;
const HEADROOM = 0.9;
const DEEPEST_FALL = 0.25;
/** Factor of a step up. */
const STEP = 1.2;
/** Good periods in a row before a step up is tried, as long as the new share stays below the share that failed last. */
const FIRST_PATIENCE = 4;
/** The most good periods in a row that the controller waits for before it tries the share that failed last again. */
const LAST_PATIENCE = 64;
const LEAST_SHARE = 0.005;
/** Good periods in a row that prove a share, and that end a stall: then the proven share is used again. */
const PERIODS_TO_PROVE = 2;
/** The rate is never reduced below this number of frames a second. */
const LOWEST_RATE = 1;

// The bytes of a JPEG are about proportional to its quality, and to the square of its width.
const QUALITY_UNTIL = 0.5;
const WIDTH_UNTIL = 0.125;
const QUALITY_STEPS = 20;
const WIDTH_STEPS = 8;

/** Factors for the wanted quality, width and rate. */
export interface Reduction {
  readonly quality: number;
  readonly width: number;
  readonly rate: number;
}

/** Returns the reduction that leaves about this share of the bytes. `share` is above 0 and at most 1. */
export function reductionFor(share: number): Reduction {
  // The factors change in steps, so that a picture does not change its size every second.
  return {
    quality: floor(Math.max(share, QUALITY_UNTIL), QUALITY_STEPS),
    width: floor(Math.sqrt(Math.min(1, Math.max(share, WIDTH_UNTIL) / QUALITY_UNTIL)), WIDTH_STEPS),
    rate: Math.min(1, share / WIDTH_UNTIL),
  };
}

function floor(value: number, steps: number): number {
  // The small addition corrects the rounding of binary fractions.
  return Math.floor(value * steps + 1e-9) / steps;
}

/**
 * Controls the share of the wanted bytes that is tried. The share falls to what the link carried, and climbs back one
 * step at a time. If a share fails again, the controller waits twice as long before it tries this share the next time.
 * A period in which nothing was carried is part of a stall. A stall does not show which share is too large, so it causes
 * one fall only, and the share from before the stall is used again soon after the stall. All times are in milliseconds
 * of one clock.
 */
export class UplinkController {
  /** The share of the wanted bytes that is tried. */
  share = 1;
  private due = 0;
  private skipped = 0;
  private evaluatedAt = -Infinity;
  /** The shares of the frames that were sent in the last bad periods in a row. */
  private bad: number[] = [];
  private good = 0;
  /**
   * Whether the period is the first after a fall. In this period, the frames from before the fall still fill the link.
   * After a stall, this lasts until a period has carried a frame.
   */
  private settling = false;
  /** Good periods in a row before the share that failed last is tried again. */
  private patience = FIRST_PATIENCE;
  /** The share that failed last. */
  private ceiling = Infinity;
  /** The last share that the link carried; a stall keeps it. 0 if there is none, or if it has failed since. */
  private proven = 0;

  /** Returns the wanted settings, reduced to the share. */
  limit(wanted: EncoderSettings): EncoderSettings {
    const { quality, width, rate } = reductionFor(this.share);
    return {
      fps: rate < 1 ? Math.min(wanted.fps, Math.max(LOWEST_RATE, wanted.fps * rate)) : wanted.fps,
      width: Math.round(wanted.width * width),
      quality: wanted.quality * quality,
    };
  }

  /** Counts a frame. `skipped` says that it was not sent, because the link was full. */
  frame(skipped: boolean): void {
    this.due++;
    if (skipped) this.skipped++;
  }

  /**
   * Ends the period if it is long enough. Call this after every frame and every receipt. `congested` says whether
   * frames wait for the link itself. Returns whether the result of `limit` changes.
   */
  evaluate(at: number, congested: boolean): boolean {
    if (at - this.evaluatedAt < PERIOD_MS || this.due < MIN_FRAMES) return false;
    const length = at - this.evaluatedAt;
    this.evaluatedAt = at;
    const lost = this.skipped / this.due;
    this.due = this.skipped = 0;
    if (this.settling) {
      this.settling = this.share < this.proven && lost >= 1;
      return false;
    }
    if (lost > BAD_SHARE) {
      this.good = 0;
      if (congested) this.bad.push(1 - lost);
      else this.bad = [];
      return this.bad.length >= PERIODS_TO_FALL && this.fall();
    }
    this.bad = [];
    if (length <= LONGEST_USEFUL_MS) this.good++;
    if (this.share < this.proven) return this.good >= PERIODS_TO_PROVE && this.return();
    if (this.good >= PERIODS_TO_PROVE) this.proven = this.share;
    const patience = this.share * STEP < this.ceiling ? FIRST_PATIENCE : this.patience;
    return this.share < 1 && this.good >= patience && this.climb();
  }

  /** Begins on another connection. The share stays, and so does what is known about shares that failed. */
  begin(): void {
    this.due = this.skipped = this.good = 0;
    this.bad = [];
  }

  reset(): void {
    this.begin();
    this.share = 1;
    this.patience = FIRST_PATIENCE;
    this.ceiling = Infinity;
    this.proven = 0;
  }

  private fall(): boolean {
    const carried = this.bad.reduce((sum, share) => sum + share, 0) / this.bad.length;
    const stalled = this.bad.at(-1) === 0;
    this.bad = [];
    this.settling = true;
    if (stalled && this.proven > 0) {
      const before = this.share;
      this.share = Math.max(LEAST_SHARE, before * DEEPEST_FALL);
      return this.share !== before;
    }
    this.proven = 0;
    const failsAgain = this.share >= this.ceiling / STEP;
    this.patience = failsAgain ? Math.min(LAST_PATIENCE, this.patience * 2) : FIRST_PATIENCE;
    this.ceiling = this.share;
    // If the last step up was too much, the share before that step is known to be good.
    const factor = carried * STEP >= HEADROOM ? 1 / STEP : Math.max(DEEPEST_FALL, carried * HEADROOM);
    this.share = Math.max(LEAST_SHARE, this.share * factor);
    return this.share !== this.ceiling;
  }

  /** Uses the share from before the stall again; only once, in case the link has become narrow. */
  private return(): boolean {
    this.good = 0;
    this.share = this.proven;
    this.proven = 0;
    return true;
  }

  private climb(): boolean {
    this.good = 0;
    if (this.share >= this.ceiling) {
      // The share that failed last is good now.
      this.ceiling = Infinity;
      this.patience = FIRST_PATIENCE;
    }
    this.share = Math.min(1, this.share * STEP);
    return true;
  }
}
