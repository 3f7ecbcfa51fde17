/** Where a viewer stands in what the server keeps of a camera. */

import type { Playback } from "./messages.js";
import type { FrameMark } from "./painter-messages.js";

/** Times are milliseconds by the server's clock. */
export interface Replay {
  readonly live: boolean;
  /** 0 stands still, a negative one plays backwards. */
  readonly speed: number;
  /** The frame on the screen, as far as known. */
  readonly sequence: number | null;
  readonly at: number;
  readonly oldestAt: number;
  readonly newestAt: number;
}

/** Follows the server's answers and the frames that come between them. */
export class ReplayTracker {
  private answer: { readonly playback: Playback; readonly at: number } | undefined;
  /** As much goes as comes: the oldest was seen to move on. */
  private full = false;
  /** On the screen: the number of the frame, and when the server had it if that was in the past. */
  private sequence: number | null = null;
  private position: number | null = null;

  /** Frames are not the newest. */
  get active(): boolean {
    return this.answer?.playback.live === false;
  }

  /** `at` is when the answer came by our clock. */
  answered(playback: Playback, at: number): void {
    const before = this.answer?.playback.oldestAt ?? null;
    this.full = before !== null && playback.oldestAt !== null && playback.oldestAt > before;
    this.answer = { playback, at };
    this.position = playback.live ? null : playback.at;
    if (!playback.live) this.sequence = playback.sequence;
  }

  painted({ sequence, takenAt, live }: FrameMark): void {
    this.sequence = sequence;
    if (!live && this.active) this.position = takenAt;
  }

  /** Nothing is known any more: the connection that it was known by has gone. */
  reset(): void {
    this.answer = undefined;
    this.position = null;
  }

  /** `grows`: the camera sends, so that what is kept moves on. Null while nothing is kept or the server does not say. */
  snapshot(now: number, grows: boolean): Replay | null {
    if (!this.answer) return null;
    const { playback, at } = this.answer;
    const { live, speed, oldestAt, newestAt } = playback;
    if (oldestAt === null || newestAt === null) return null;
    // The next answer says how it really is.
    const moved = grows ? now - at : 0;
    const newest = newestAt + moved;
    const position = this.position ?? newest;
    return {
      live,
      speed,
      sequence: this.sequence,
      at: position,
      oldestAt: Math.min(this.full ? oldestAt + moved : oldestAt, position),
      newestAt: newest,
    };
  }
}
