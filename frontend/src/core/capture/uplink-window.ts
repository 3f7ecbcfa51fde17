/**
 * How many frames may be on the way to the server: as many as the link carries without queueing, and hardly more.
 *
 * The server's answer to a question asked right after a frame is the frame's receipt. What a receipt takes beyond the
 * quickest ever seen is time spent in queues, wherever they are. The window of frames without a receipt grows while that
 * stays below a target and shrinks above it: LEDBAT (RFC 6817), counted in frames instead of bytes. The same
 * window as `client/engine/uplink_window.py`; both are tested with `tests/golden/uplink.json`.
 */

import { RecentMinimum } from "./recent-minimum.js";

/** Milliseconds of queueing that are aimed at (RFC 6817 section 2.5 allows 100 at most). */
export const TARGET_MS = 100;
const FIRST_WINDOW = 2;
/** A second of 60 fps. */
const LARGEST_WINDOW = 60;
/** The quickest receipt is believed for 3 minutes, so that a longer way is noticed (RFC 6817: some minutes). */
const BASE_SLICE_MS = 30_000;
const BASE_SLICES = 6;
/** One slow receipt alone may be the scheduler's doing (CURRENT_FILTER in RFC 6817). */
const FILTERED = 2;

/** All times are in milliseconds of one clock. */
export class UplinkWindow {
  /** When the frames were sent that have no receipt yet, oldest first. */
  private unanswered: number[] = [];
  private window = FIRST_WINDOW;
  /** The newest frame that filled the window: receipts up to it tell what a full window does to the link. */
  private filledAt = -Infinity;
  private shrunkAt = -Infinity;
  private readonly quickest = new RecentMinimum(BASE_SLICE_MS, BASE_SLICES);
  private recent: number[] = [];

  /** Frames that may be on the way. */
  get size(): number {
    return Math.floor(this.window);
  }

  /** Whether one more frame may be sent. */
  get open(): boolean {
    return this.unanswered.length < this.size;
  }

  /** A frame was sent, and a question with this `sentAt` right after it. */
  sent(sentAt: number): void {
    this.unanswered.push(sentAt);
    if (!this.open) this.filledAt = sentAt;
  }

  /** An answer came. False if the question was not about a frame. */
  answered(sentAt: number, at: number): boolean {
    const index = this.unanswered.indexOf(sentAt);
    if (index < 0) return false;
    // Answers come in order: those before it have arrived as well.
    this.unanswered.splice(0, index + 1);
    this.quickest.add(at, at - sentAt);
    this.recent = [...this.recent, at - sentAt].slice(-FILTERED);
    const queueing = Math.min(...this.recent) - this.quickest.value;
    const off = (TARGET_MS - queueing) / TARGET_MS;
    if (off < 0) this.shrink(-off, sentAt, at);
    // A window that is not used up says nothing about what a larger one would do. With nothing in the queues it doubles in
    // a round trip, as TCP's does at first.
    else if (sentAt <= this.filledAt)
      this.window = Math.min(LARGEST_WINDOW, this.window + (off > 0.75 ? 1 : off / this.window));
    return true;
  }

  /** At most by half, and once in a round trip: the frames already on the way do not know of it. */
  private shrink(share: number, sentAt: number, at: number): void {
    if (sentAt <= this.shrunkAt) return;
    this.window = Math.max(1, this.window * (1 - Math.min(0.5, share)));
    this.shrunkAt = at;
  }

  /** A small message came back: the link cannot be quicker than that, but hardly slower with nothing in its way. */
  roundTrip(at: number, roundTrip: number): void {
    if (roundTrip >= 0) this.quickest.add(at, roundTrip);
  }

  /** Milliseconds that frames spend in queues now. */
  queueing(at: number): number {
    const base = this.quickest.value;
    if (base === Infinity) return 0;
    const seen = this.recent.length > 0 ? Math.min(...this.recent) - base : 0;
    const [oldest] = this.unanswered;
    // A receipt that is overdue tells as much as one that came late.
    return Math.max(0, seen, oldest === undefined ? 0 : at - oldest - base);
  }

  /** Whether frames wait for the link itself, so that a larger window would not help. */
  congested(at: number): boolean {
    return this.queueing(at) >= TARGET_MS / 2;
  }

  /** Another connection: what was on the way is gone, and the way may be another. */
  reset(): void {
    this.unanswered = [];
    this.window = FIRST_WINDOW;
    this.filledAt = -Infinity;
    this.shrunkAt = -Infinity;
    this.quickest.reset();
    this.recent = [];
  }
}
