/**
 * Limits how many frames may be on the way to the server: as many as the link carries without queueing, and hardly
 * more.
 *
 * The camera asks a question directly after each frame, and the server's answer is the frame's receipt. The quickest
 * receipt shows the time on an empty link. If a receipt takes longer, the difference is time that the frame spent in
 * queues. The window limits the frames without a receipt. It grows while the time in queues is below a target, and
 * shrinks while the time is above the target. This is LEDBAT (RFC 6817), counted in frames instead of bytes.
 * `client/engine/uplink_window.py` has the same window; both are tested with `tests/golden/uplink.json`.
 */

import { RecentMinimum } from "./recent-minimum.js";

/** The target: milliseconds that frames may spend in queues (RFC 6817 section 2.5 allows 100 at most). */
export const TARGET_MS = 100;
const FIRST_WINDOW = 2;
/** The frames of one second at 60 fps. */
const LARGEST_WINDOW = 60;
/** The quickest receipt counts for 3 minutes, so that a change to a longer way is noticed (RFC 6817: some minutes). */
const BASE_SLICE_MS = 30_000;
const BASE_SLICES = 6;
/**
 * Of this many last receipts the quickest counts: a scheduler may have delayed a single one (CURRENT_FILTER in RFC
 * 6817).
 */
const FILTERED = 2;

/** All times are in milliseconds of one clock. */
export class UplinkWindow {
  /** The times at which the frames without a receipt were sent, oldest first. */
  private unanswered: number[] = [];
  private window = FIRST_WINDOW;
  /**
   * When the newest frame that filled the window was sent. Receipts up to this frame show what a full window does to
   * the link.
   */
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

  /** Notes that a frame was sent, and directly after it a question with this `sentAt`. */
  sent(sentAt: number): void {
    this.unanswered.push(sentAt);
    if (!this.open) this.filledAt = sentAt;
  }

  /** Takes an answer. Returns false if the answer is not the receipt of a frame. */
  answered(sentAt: number, at: number): boolean {
    const index = this.unanswered.indexOf(sentAt);
    if (index < 0) return false;
    // Answers come in order, so all earlier frames have arrived as well.
    this.unanswered.splice(0, index + 1);
    this.quickest.add(at, at - sentAt);
    this.recent = [...this.recent, at - sentAt].slice(-FILTERED);
    const queueing = Math.min(...this.recent) - this.quickest.value;
    const off = (TARGET_MS - queueing) / TARGET_MS;
    if (off < 0) this.shrink(-off, sentAt, at);
    // If the window was not full, the receipt does not show what a larger window would do. While nearly nothing is in
    // the queues, the window doubles in a round trip, as the window of TCP does at first.
    else if (sentAt <= this.filledAt)
      this.window = Math.min(LARGEST_WINDOW, this.window + (off > 0.75 ? 1 : off / this.window));
    return true;
  }

  /**
   * Shrinks the window at most by half, and at most once in a round trip: frames already on the way were sent with the
   * larger window.
   */
  private shrink(share: number, sentAt: number, at: number): void {
    if (sentAt <= this.shrunkAt) return;
    this.window = Math.max(1, this.window * (1 - Math.min(0.5, share)));
    this.shrunkAt = at;
  }

  /** Takes the round trip of a small message. The shortest round trip is about the time that an empty link takes. */
  roundTrip(at: number, roundTrip: number): void {
    if (roundTrip >= 0) this.quickest.add(at, roundTrip);
  }

  /** Milliseconds that frames spend in queues now. */
  queueing(at: number): number {
    const base = this.quickest.value;
    if (base === Infinity) return 0;
    const seen = this.recent.length > 0 ? Math.min(...this.recent) - base : 0;
    const [oldest] = this.unanswered;
    // A receipt that is missing for too long counts like a receipt that came late.
    return Math.max(0, seen, oldest === undefined ? 0 : at - oldest - base);
  }

  /** Whether frames wait for the link itself, so that a larger window would not help. */
  congested(at: number): boolean {
    return this.queueing(at) >= TARGET_MS / 2;
  }

  /** Begins on another connection. The frames on the way are lost, and the new connection may take another way. */
  reset(): void {
    this.unanswered = [];
    this.window = FIRST_WINDOW;
    this.filledAt = -Infinity;
    this.shrunkAt = -Infinity;
    this.quickest.reset();
    this.recent = [];
  }
}
