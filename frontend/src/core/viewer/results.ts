/**
 * Brings frames and detection results together: a result trails behind its frame, or the frame is held until its result
 * arrives.
 */

import type { Box } from "./messages.js";

/** The longest time a frame waits for its result, and how many frames may wait. */
const HOLD_MS = 500;
const MAX_HELD = 16;
/** If no result has come in time for this long, frames are shown immediately again. */
const QUIET_MS = 2000;
/**
 * How many results and frames are remembered. A result may come before its frame, and a playback needs the results
 * again.
 */
const MAX_KNOWN = 256;
const MAX_RECENT = 64;

/** Boxes of an earlier frame are drawn fully for this long after they came, and have faded away after the second time. */
const TRAIL_MS = 500;
const FADED_MS = 1500;

interface Held<F> {
  readonly frame: F;
  readonly sequence: number;
  readonly at: number;
}

export interface ResultHoldOptions<F> {
  readonly now: () => number;
  readonly release: (frame: F, boxes: readonly Box[]) => void;
  /** A newer frame superseded this one. */
  readonly drop: (frame: F) => void;
}

/** Holds the frames of one camera. No frame is held while no results come, or while results come too late. */
export class ResultHold<F> {
  private held: Held<F>[] = [];
  private recent: { readonly sequence: number; readonly at: number }[] = [];
  private readonly known = new Map<number, readonly Box[]>();
  /** Sequence number of the newest frame with a result. */
  private newestResult = -1;
  /** When the last result came in time. */
  private inTimeAt = Number.NEGATIVE_INFINITY;
  /** When the newest result came. */
  private resultAt = Number.NEGATIVE_INFINITY;
  private meanDelay = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: ResultHoldOptions<F>) {}

  /** Whether results come, and come in time. */
  get active(): boolean {
    return this.options.now() - this.inTimeAt < QUIET_MS;
  }

  /** Returns the boxes of a frame; none if its result is not remembered. */
  boxesOf(sequence: number): readonly Box[] {
    return this.known.get(sequence) ?? [];
  }

  /** The moving average of how long frames are held, in milliseconds. */
  get delay(): number {
    return this.active ? this.meanDelay : 0;
  }

  /** Returns what to draw on a frame that does not wait: its own boxes, or those of the newest earlier result. */
  trail(sequence: number): { readonly boxes: readonly Box[]; readonly opacity: number } {
    const own = this.known.get(sequence);
    if (own) return { boxes: own, opacity: 1 };
    const age = this.options.now() - this.resultAt;
    const opacity = clampPart(1 - (age - TRAIL_MS) / (FADED_MS - TRAIL_MS));
    // A lower number means that the server forgot the camera and counts from 1 again.
    const boxes = opacity > 0 && this.newestResult < sequence ? this.boxesOf(this.newestResult) : [];
    return { boxes, opacity };
  }

  /** Takes a live frame. Returns true if the frame waits for its result. */
  offer(frame: F, sequence: number): boolean {
    const at = this.options.now();
    const last = this.recent.at(-1);
    // A lower number means that the server forgot the camera and counts from 1 again.
    if (last && sequence < last.sequence) this.reset();
    this.recent.push({ sequence, at });
    if (this.recent.length > MAX_RECENT) this.recent.shift();
    if (!this.active || sequence <= this.newestResult) {
      this.dropHeld();
      this.options.release(frame, this.boxesOf(sequence));
      return false;
    }
    this.held.push({ frame, sequence, at });
    if (this.held.length > MAX_HELD) this.releaseOldest();
    this.schedule();
    return true;
  }

  result(sequence: number, boxes: readonly Box[]): void {
    const at = this.options.now();
    this.known.delete(sequence);
    this.known.set(sequence, boxes);
    for (const oldest of this.known.keys()) {
      if (this.known.size <= MAX_KNOWN) break;
      this.known.delete(oldest);
    }
    if (this.cameInTime(sequence, at)) this.inTimeAt = at;
    if (sequence > this.newestResult || this.resultAt < at - FADED_MS) {
      this.newestResult = sequence;
      this.resultAt = at;
    }
    // Only the newest of the frames that need not wait any longer is shown. It supersedes the others.
    const ready = this.held.filter((held) => held.sequence <= sequence);
    this.held = this.held.filter((held) => held.sequence > sequence);
    const newest = ready.pop();
    for (const { frame } of ready) this.options.drop(frame);
    if (newest) {
      this.meanDelay += 0.2 * (at - newest.at - this.meanDelay);
      this.options.release(newest.frame, this.boxesOf(newest.sequence));
    }
    this.schedule();
  }

  /** Drops the frames that wait. */
  clear(): void {
    this.dropHeld();
    this.schedule();
  }

  private reset(): void {
    this.clear();
    this.known.clear();
    this.recent = [];
    this.newestResult = -1;
  }

  private cameInTime(sequence: number, at: number): boolean {
    const last = this.recent.at(-1);
    if (!last || sequence > last.sequence) return true;
    const frame = this.recent.find((recent) => recent.sequence >= sequence);
    return frame !== undefined && at - frame.at <= HOLD_MS;
  }

  private releaseOldest(): void {
    const oldest = this.held.shift();
    if (oldest) this.options.release(oldest.frame, []);
  }

  private dropHeld(): void {
    for (const { frame } of this.held.splice(0)) this.options.drop(frame);
  }

  private schedule(): void {
    clearTimeout(this.timer);
    const [oldest] = this.held;
    if (!oldest) return;
    this.timer = setTimeout(
      () => {
        this.releaseOldest();
        this.schedule();
      },
      Math.max(0, oldest.at + HOLD_MS - this.options.now()),
    );
  }
}

function clampPart(value: number): number {
  return Math.max(0, Math.min(value, 1));
}
