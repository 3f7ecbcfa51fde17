/** What to give up when the uplink cannot carry what is wanted, and when to take it back. */

import type { EncoderSettings } from "./encode-loop.js";
import { TARGET_MS } from "./uplink.js";

/** So long the link must fail before something is given up. */
const NARROW_MS = 1000;
/** So long it must do well before something is taken back; longer each time that was too much. */
const WIDE_MS = 2000;
const LONGEST_WIDE_MS = 32_000;
/** A step up that fails within this was one too many. */
const TRIAL_MS = 8000;
/** Frames sent before a step are still on the way after it. */
const SETTLE_MS = 300;
/** Fewer of the wanted frames than this, and the link fails. */
const ENOUGH = 0.85;
/** Frames lost while the window is still growing into a long link are no sign of a narrow one: nothing queues. */
const QUEUEING_MS = TARGET_MS / 2;
/** A link that works less than this share of the time will carry the next step too, whatever was tried before. */
const IDLE = 0.25;
/** Below this rate nobody is watching, and nothing can be learned. */
const LEAST_FPS = 1;

const STEP = 0.75;
/** What a step leaves of a frame's bytes, roughly. */
const STEP_BYTES = 0.7;
const MOST_STEPS = 4;
const QUALITY_FLOOR = 0.35;
const WIDTH_FLOOR = 320;

/** Upper bounds; Infinity where nothing is given up. */
type Bounds = EncoderSettings;

const NONE: Bounds = { fps: Infinity, width: Infinity, quality: Infinity };

/** All times are in milliseconds of one clock. */
export class Adaptation {
  private bounds = NONE;
  /** Since when frames are counted: the first that was lost, or later. */
  private since = Infinity;
  private sentSince = 0;
  private lostSince = 0;
  private queueingSince = 0;
  private judgedSince = 0;
  private clearSince = -Infinity;
  private sentClear = 0;
  private busyClear = 0;
  private patience = WIDE_MS;
  private lastUp = -Infinity;

  /** What to send of what is wanted. */
  limit(wanted: EncoderSettings): EncoderSettings {
    const { fps, width, quality } = this.bounds;
    return {
      fps: Math.min(wanted.fps, fps),
      width: Math.min(wanted.width, width),
      quality: Math.min(wanted.quality, quality),
    };
  }

  /** A frame was sent. */
  sent(at: number): void {
    if (at >= this.since) this.sentSince++;
    this.sentClear++;
  }

  /** A frame that was due was not sent, because the window was shut. */
  lost(at: number): void {
    if (this.since === Infinity) this.restart(at);
    if (at >= this.since) this.lostSince++;
    this.notClear(at);
  }

  /**
   * Decides; to be asked after every frame and receipt. `queueing` is how long frames wait on the way now, `busy` how long
   * the link worked since the last time. Returns whether `limit` gives something else from now on.
   */
  judge(at: number, wanted: EncoderSettings, queueing: number, busy: number): boolean {
    this.busyClear += busy;
    const { fps } = this.limit(wanted);
    if (fps < LEAST_FPS) {
      this.since = Infinity;
      this.notClear(at);
      return false;
    }
    // A large frame needs its time on any link; while the next is not due for as long again, there is room for more.
    if (queueing >= Math.max(QUEUEING_MS, 500 / fps)) this.notClear(at);
    if (at >= this.since) {
      this.queueingSince += queueing;
      this.judgedSince++;
    }
    if (at - this.since >= NARROW_MS) {
      const carried = this.sentSince / Math.max(1, this.sentSince + this.lostSince);
      const queued = this.queueingSince / this.judgedSince;
      this.since = Infinity;
      if (carried < ENOUGH && queued >= QUEUEING_MS) return this.giveUp(at, wanted, carried);
    }
    return this.isClear(at) && this.takeBack(at, wanted);
  }

  reset(): void {
    this.bounds = NONE;
    this.since = Infinity;
    this.patience = WIDE_MS;
    this.lastUp = -Infinity;
  }

  private giveUp(at: number, wanted: EncoderSettings, carried: number): boolean {
    const failedTrial = at - this.lastUp < TRIAL_MS;
    this.patience = failedTrial ? Math.min(LONGEST_WIDE_MS, this.patience * 2) : WIDE_MS;
    const steps = Math.round(Math.log(Math.max(carried, 0.01)) / Math.log(STEP_BYTES));
    const before = this.bounds;
    // What there was before the trial did well.
    for (let i = failedTrial ? 1 : Math.min(MOST_STEPS, Math.max(1, steps)); i > 0; i--)
      this.stepDown(wanted);
    this.restart(at + SETTLE_MS);
    this.notClear(at);
    return this.bounds !== before;
  }

  private stepDown(wanted: EncoderSettings): void {
    const { fps, width, quality } = this.limit(wanted);
    if (quality > QUALITY_FLOOR) {
      this.bounds = { ...this.bounds, quality: Math.max(QUALITY_FLOOR, quality * STEP) };
    } else if (width > WIDTH_FLOOR) {
      this.bounds = { ...this.bounds, width: Math.max(WIDTH_FLOOR, Math.round(width * STEP)) };
    } else if (fps > LEAST_FPS) {
      this.bounds = { ...this.bounds, fps: Math.max(LEAST_FPS, fps * STEP) };
    }
  }

  private takeBack(at: number, wanted: EncoderSettings): boolean {
    const up = (bound: number, most: number): number =>
      bound / STEP > most * 0.99 ? Infinity : bound / STEP;
    const { fps, width, quality } = this.bounds;
    if (fps < wanted.fps) this.bounds = { ...this.bounds, fps: up(fps, wanted.fps) };
    else if (width < wanted.width)
      this.bounds = { ...this.bounds, width: Math.round(up(width, wanted.width)) };
    else if (quality < wanted.quality) this.bounds = { ...this.bounds, quality: up(quality, wanted.quality) };
    else return false;
    this.lastUp = at;
    this.notClear(at);
    return true;
  }

  private isClear(at: number): boolean {
    const clear = at - this.clearSince;
    const idle = this.busyClear < clear * IDLE;
    return this.sentClear >= 2 && clear >= (idle ? WIDE_MS : this.patience);
  }

  private notClear(at: number): void {
    this.clearSince = at;
    this.sentClear = 0;
    this.busyClear = 0;
  }

  private restart(at: number): void {
    this.since = at;
    this.sentSince = 0;
    this.lostSince = 0;
    this.queueingSince = 0;
    this.judgedSince = 0;
  }
}
