/**
 * Turns what a person does with one camera's timeline (pause, play, step, drag, return to live) into requests to the
 * server.
 */

import { now } from "../clock.js";
import { SEEK_INTERVAL_MS } from "../limits.js";
import { Store } from "../store.js";
import type { Position } from "./messages.js";
import type { PlaybackState } from "./playback.js";

export interface PlaybackCommands {
  seek(cameraId: string, position: Position, speed: number): void;
  goLive(cameraId: string): void;
  /** Asks the server to describe the timeline. A playback goes on. */
  describePlayback(cameraId: string): void;
}

/** The server has answered a request within this time. */
const ANSWER_MS = 1500;
/**
 * A step that follows another step within this time starts from the target of the earlier step, because the screen may
 * not show this target yet.
 */
const STEPPING_MS = 600;
/** A position this close to the oldest frame counts as the oldest frame. */
const AT_START_MS = 50;
/** The fastest speed that pressing a key again and again reaches. */
const MAX_SHUTTLE = 8;

export class PlaybackController {
  /** The speed that `play` plays at. */
  readonly speed = new Store(1);
  private playback: PlaybackState | null = null;
  private requestedAt = Number.NEGATIVE_INFINITY;
  private waiting: (() => void) | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private target: { readonly sequence: number; readonly at: number } | undefined;

  constructor(
    private readonly commands: PlaybackCommands,
    private readonly cameraId: string,
  ) {}

  /** Takes the newest state, as the session's snapshot has it. */
  update(playback: PlaybackState | null): void {
    // A playback that has caught up is live, and live has only one speed.
    if (this.playback?.live === false && playback?.live !== false) this.speed.set(1);
    this.playback = playback;
  }

  /** Asks the server to describe the timeline. Does nothing shortly after another request. */
  requestState(): void {
    if (this.timer !== undefined || now() - this.requestedAt < ANSWER_MS) return;
    // Every server understands the first; only newer ones the second.
    if (this.playback?.live !== false) this.commands.goLive(this.cameraId);
    else this.commands.describePlayback(this.cameraId);
  }

  pause(): void {
    this.seekToCurrentFrame(0);
  }

  play(): void {
    const { playback } = this;
    const speed = this.speed.getSnapshot();
    // Nothing can be played backwards from the oldest frame.
    const atStart = playback !== null && playback.at - playback.oldestAt < AT_START_MS;
    this.seekToCurrentFrame(atStart && speed < 0 ? 1 : speed);
  }

  /** Pauses at the frame that is `by` frames after the current one. */
  step(by: number): void {
    const at = now();
    const recent = this.target && at - this.target.at < STEPPING_MS ? this.target.sequence : undefined;
    const from = recent ?? this.playback?.sequence ?? undefined;
    if (from === undefined) return;
    const sequence = Math.max(1, from + by);
    this.target = { sequence, at };
    this.seek({ sequence }, 0);
  }

  /** Pauses at a time by the server's clock. */
  seekTo(at: number): void {
    this.target = undefined;
    this.seek({ at }, 0);
  }

  /** Goes forward by `seconds`, or back if they are negative, and plays from there. A paused playback stays paused. */
  skip(seconds: number): void {
    if (!this.playback) return;
    const { at, newestAt } = this.playback;
    const target = at + seconds * 1000;
    // By the time of the frame and not by the age: a camera that is silent has no frames of the last seconds.
    if (seconds > 0 && target >= newestAt) this.goLive();
    else this.playFrom(target);
  }

  /** Goes back by `seconds` and plays from there. */
  skipBack(seconds: number): void {
    this.skip(-seconds);
  }

  /** Plays from a time by the server's clock. A paused playback stays paused. */
  playFrom(at: number): void {
    if (!this.playback) return;
    this.target = undefined;
    this.speed.set(1);
    const paused = !this.playback.live && this.playback.speed === 0;
    this.seek({ at: Math.max(at, this.playback.oldestAt) }, paused ? 0 : 1);
  }

  /** Plays forwards from a time by the server's clock, also if the playback is paused. */
  loopFrom(at: number): void {
    this.target = undefined;
    const speed = this.speed.getSnapshot();
    this.seek({ at }, speed > 0 ? speed : 1);
  }

  /** Plays backwards (-1) or forwards (1). Each further call in the same direction doubles the speed. */
  shuttle(direction: -1 | 1): void {
    if (!this.playback || (this.playback.live && direction > 0)) return;
    const current = this.playback.live ? 0 : this.playback.speed;
    const faster = Math.min(MAX_SHUTTLE, Math.max(1, 2 * current * direction));
    this.speed.set(faster * direction);
    this.seekToCurrentFrame(faster * direction);
  }

  /** Plays at this speed. Live frames cannot be played faster, so nothing happens then. */
  playAt(speed: number): void {
    if (!this.playback || (this.playback.live && speed >= 1)) return;
    this.speed.set(speed);
    this.play();
  }

  goLive(): void {
    this.target = undefined;
    this.speed.set(1);
    this.request(() => this.commands.goLive(this.cameraId));
  }

  /** Drops the request that waits, if any. */
  stop(): void {
    clearTimeout(this.timer);
    this.timer = this.waiting = undefined;
  }

  private seekToCurrentFrame(speed: number): void {
    const sequence = this.target?.sequence ?? this.playback?.sequence;
    this.target = undefined;
    if (sequence !== null && sequence !== undefined) this.seek({ sequence }, speed);
  }

  private seek(position: Position, speed: number): void {
    this.request(() => this.commands.seek(this.cameraId, position, speed));
  }

  /**
   * Sends the request immediately, or waits for the end of the interval. Then it sends only the newest of the requests
   * that have come.
   */
  private request(send: () => void): void {
    this.waiting = send;
    if (this.timer !== undefined) return;
    const wait = this.requestedAt + SEEK_INTERVAL_MS - now();
    if (wait <= 0) this.sendWaiting();
    else this.timer = setTimeout(() => this.sendWaiting(), wait);
  }

  private sendWaiting(): void {
    const send = this.waiting;
    this.stop();
    this.requestedAt = now();
    send?.();
  }
}
