/** Where a viewer is in the timeline of one camera. */

import type { PlaybackMessage } from "./messages.js";
import type { FrameMark } from "./painter-messages.js";

/** Times are milliseconds by the server's clock. */
export interface PlaybackState {
  readonly live: boolean;
  /** Relative to real time: 0 is paused, a negative speed plays backwards. */
  readonly speed: number;
  /** Sequence number of the frame on the screen; null while it is not known. */
  readonly sequence: number | null;
  /** When the server received the frame on the screen; while live, the same as `newestAt`. */
  readonly at: number;
  readonly oldestAt: number;
  readonly newestAt: number;
  /** Since when the server has all frames in memory; null without one. Left out if nothing was recorded on disk. */
  readonly ringOldestAt?: number | null;
}

/** Combines the server's playback messages with the frames that are painted between them. */
export class PlaybackTracker {
  private answer: { readonly playback: PlaybackMessage; readonly receivedAt: number } | undefined;
  /**
   * Whether the oldest time has advanced since the last message. If so, the ring is full, and the server drops as many
   * frames as it adds.
   */
  private full = false;
  /** The frame on the screen. */
  private sequence: number | null = null;
  /** When the server received the frame on the screen, if it belongs to a playback. */
  private position: number | null = null;

  /** Whether the server sends frames of a playback instead of live ones. */
  get active(): boolean {
    return this.answer?.playback.live === false;
  }

  /** Takes a message of the server; `receivedAt` is in milliseconds by our clock. */
  answered(playback: PlaybackMessage, receivedAt: number): void {
    const before = this.answer?.playback.oldestAt ?? null;
    this.full = before !== null && playback.oldestAt !== null && playback.oldestAt > before;
    this.answer = { playback, receivedAt };
    this.position = playback.live ? null : playback.at;
    if (!playback.live) this.sequence = playback.sequence;
  }

  painted({ sequence, takenAt, live }: FrameMark): void {
    this.sequence = sequence;
    if (!live && this.active) this.position = takenAt;
  }

  /** Forgets what the server has said on a connection that is now closed. */
  reset(): void {
    this.answer = undefined;
    this.position = null;
  }

  /**
   * `now` is by our clock. `grows` says that the camera sends frames, so the timeline has advanced since the last
   * message. Returns null if the timeline is empty or the server has not described it.
   */
  snapshot(now: number, grows: boolean): PlaybackState | null {
    if (!this.answer) return null;
    const { playback, receivedAt } = this.answer;
    const { live, speed, oldestAt, newestAt } = playback;
    if (oldestAt === null || newestAt === null) return null;
    // This is an estimate, which the next message corrects.
    const advance = grows ? now - receivedAt : 0;
    const newest = newestAt + advance;
    const at = this.position ?? newest;
    return {
      live,
      speed,
      sequence: this.sequence,
      at,
      oldestAt: Math.min(this.full ? oldestAt + advance : oldestAt, at),
      newestAt: newest,
      ...(playback.ringOldestAt !== undefined && { ringOldestAt: playback.ringOldestAt }),
    };
  }
}
