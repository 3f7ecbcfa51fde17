/** Plays all cameras of a wall in step: one moment for all of them. Times are milliseconds by the server's clock. */

import { now } from "../clock.js";
import { MAX_PLAYBACKS } from "../limits.js";
import { Store, type Readable } from "../store.js";
import { isGap, nextCovered } from "./past.js";
import type { Span } from "./timeline-window.js";
import type { CameraIds, Position } from "./messages.js";

export interface WallCommands {
  seek(cameras: CameraIds, position: Position, speed: number): void;
  goLive(cameras: CameraIds): void;
  describePlayback(cameras: CameraIds): void;
}

/** The moment that the wall shows. */
export interface WallMoment {
  /** What was shown at `since`, by our clock. */
  readonly at: number;
  readonly since: number;
  /** 0 is paused. */
  readonly speed: number;
}

/**
 * Each command makes the server send a frame of each camera, and it takes at most twenty a second. A finger on the
 * timeline moves faster.
 */
const SEEK_EVERY_MS = 150;
/** A moment this close to now is live. */
const LIVE_MS = 300;

export class WallPlayback {
  private readonly store = new Store<WallMoment | null>(null);
  /** Null while the wall is live. */
  readonly moment: Readable<WallMoment | null> = this.store;
  private readonly shown = new Store<readonly string[]>([]);
  /** The cameras that are shown. */
  readonly cameras: Readable<readonly string[]> = this.shown;
  private oldestAt = Number.NEGATIVE_INFINITY;
  private sentAt = Number.NEGATIVE_INFINITY;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private covered: readonly Span[] = [];
  /** From when to when `covered` is known. */
  private known: Span | null = null;

  constructor(
    private readonly commands: WallCommands,
    /** Returns the server's clock minus ours. */
    private readonly offset: () => number,
  ) {}

  /** The server's time now. */
  now(): number {
    return now() + this.offset();
  }

  /** Returns the moment that is shown now. */
  position(): number {
    const moment = this.store.getSnapshot();
    return moment ? moment.at + (now() - moment.since) * moment.speed : this.now();
  }

  /** Sets the cameras that are shown. New ones join the playback. For others it ends with their subscription. */
  setCameras(cameraIds: readonly string[]): void {
    const before = this.cameraIds;
    const after = cameraIds.slice(0, MAX_PLAYBACKS);
    if (after.join(" ") !== before.join(" ")) this.shown.set(after);
    if (after.some((id) => !before.includes(id))) this.resume();
  }

  /** Takes when any of the cameras has frames, as far as this is known: `known` is null if it is not. */
  setCovered(covered: readonly Span[], known: Span | null): void {
    this.covered = covered;
    this.known = known;
  }

  /** Takes when the oldest frame of any camera came; `Infinity` if nothing is known. */
  setOldest(at: number): void {
    this.oldestAt = Number.isFinite(at) ? at : Number.NEGATIVE_INFINITY;
  }

  /** Lets these cameras take part again, which the server has begun to show live. */
  rejoin(cameraIds: readonly string[]): void {
    const moment = this.store.getSnapshot();
    const ours = cameraIds.filter((id) => this.cameraIds.includes(id));
    if (moment && ours.length > 0) this.commands.seek(ours, { at: this.position() }, moment.speed);
  }

  /** Asks the server what it keeps of the cameras. */
  describe(): void {
    if (this.cameraIds.length > 0) this.commands.describePlayback(this.cameraIds);
  }

  /** Goes to a moment. A paused or live wall pauses there; a wall that plays goes on from there. */
  seekTo(at: number): void {
    this.show(at, this.store.getSnapshot()?.speed ?? 0);
  }

  /** Goes forward by `seconds`, or back if they are negative. A live wall plays from there. */
  skip(seconds: number): void {
    const target = this.position() + seconds * 1000;
    this.show(this.beyondGap(target, seconds), this.store.getSnapshot()?.speed ?? 1);
  }

  pause(): void {
    this.show(this.position(), 0);
  }

  play(speed = 1): void {
    this.show(this.position(), speed);
  }

  goLive(): void {
    this.cancel();
    if (this.store.getSnapshot() && this.cameraIds.length > 0) this.commands.goLive(this.cameraIds);
    this.store.set(null);
  }

  /** Sends the moment again, because a break has stopped the cameras at different frames. */
  resume(): void {
    const moment = this.store.getSnapshot();
    if (moment) this.show(this.position(), moment.speed);
  }

  /**
   * Ends the playback at the live pictures, lets it stand still at the oldest ones, and leaves out the time in which no
   * camera has a frame. To be called often.
   */
  tick(): void {
    const moment = this.store.getSnapshot();
    const at = this.position();
    const beyond = moment ? this.beyondGap(at, moment.speed) : at;
    if (moment && beyond !== at) {
      this.show(beyond, moment.speed);
      return;
    }
    if (moment && ((moment.speed > 0 && this.isNow(at)) || (moment.speed < 0 && at <= this.oldestAt)))
      this.show(at, moment.speed);
  }

  private get cameraIds(): readonly string[] {
    return this.shown.getSnapshot();
  }

  /** Returns the moment, or if no camera has a frame then, the next one with a frame in this direction. */
  private beyondGap(at: number, direction: number): number {
    if (!this.known || direction === 0 || !isGap(this.covered, this.known, at)) return at;
    if (direction > 0) return nextCovered(this.covered, this.known, at) ?? at;
    return this.covered.filter(({ to }) => to <= at).at(-1)?.to ?? at;
  }

  private isNow(at: number): boolean {
    return at >= this.now() - LIVE_MS;
  }

  private show(target: number, speed: number): void {
    if (this.isNow(target) && speed > 0) {
      this.goLive();
      return;
    }
    const at = Math.max(this.oldestAt, Math.min(target, this.now()));
    // Nothing can be played backwards from the oldest frame.
    this.store.set({ at, since: now(), speed: speed < 0 && at === this.oldestAt ? 0 : speed });
    if (this.timer !== undefined) return;
    const wait = this.sentAt + SEEK_EVERY_MS - now();
    if (wait <= 0) this.send();
    else this.timer = setTimeout(() => this.send(), wait);
  }

  private send(): void {
    this.cancel();
    const moment = this.store.getSnapshot();
    if (!moment || this.cameraIds.length === 0) return;
    this.sentAt = now();
    this.commands.seek(this.cameraIds, { at: this.position() }, moment.speed);
  }

  /** Drops the command that waits, if any. */
  cancel(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
