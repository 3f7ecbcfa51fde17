/** Brings what a program found in a frame together with that frame, which it has to wait for. */

import type { Box } from "./messages.js";

/** The longest a frame waits for its result, and how many may wait. */
const HOLD_MS = 500;
const MAX_HELD = 16;
/** A camera without results for this long is shown at once again. */
const QUIET_MS = 2000;
/** Results and frames remembered: a result may come before its frame, and a replay shows both again. */
const MAX_KNOWN = 256;
const MAX_RECENT = 64;

interface Held<F> {
  readonly frame: F;
  readonly sequence: number;
  readonly at: number;
}

export interface ResultHoldOptions<F> {
  readonly now: () => number;
  readonly release: (frame: F, boxes: readonly Box[]) => void;
  /** A later frame is released instead. */
  readonly drop: (frame: F) => void;
}

/** Of one camera. Frames of a camera without results, or whose results come too late, pass through. */
export class ResultHold<F> {
  private held: Held<F>[] = [];
  private recent: { readonly sequence: number; readonly at: number }[] = [];
  private readonly known = new Map<number, readonly Box[]>();
  /** The newest frame that a result came for. */
  private judged = -1;
  /** When a result last came in time. */
  private inTimeAt = Number.NEGATIVE_INFINITY;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: ResultHoldOptions<F>) {}

  /** Results come, and in time. */
  get active(): boolean {
    return this.options.now() - this.inTimeAt < QUIET_MS;
  }

  /** What was found in a frame of the past. */
  boxesOf(sequence: number): readonly Box[] {
    return this.known.get(sequence) ?? [];
  }

  /** Takes a live frame; true if it has to wait. */
  offer(frame: F, sequence: number): boolean {
    const at = this.options.now();
    const last = this.recent.at(-1);
    // A lower number is a camera that the server had forgotten and that started anew.
    if (last && sequence < last.sequence) this.reset();
    this.recent.push({ sequence, at });
    if (this.recent.length > MAX_RECENT) this.recent.shift();
    if (!this.active || sequence <= this.judged) {
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
    this.judged = Math.max(this.judged, sequence);
    // Of the frames that need wait no longer the newest is shown: the others were overtaken by it.
    const ready = this.held.filter((held) => held.sequence <= sequence);
    this.held = this.held.filter((held) => held.sequence > sequence);
    const newest = ready.pop();
    for (const { frame } of ready) this.options.drop(frame);
    if (newest) this.options.release(newest.frame, this.boxesOf(newest.sequence));
    this.schedule();
  }

  /** Drops what waits. */
  clear(): void {
    this.dropHeld();
    this.schedule();
  }

  private reset(): void {
    this.clear();
    this.known.clear();
    this.recent = [];
    this.judged = -1;
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
