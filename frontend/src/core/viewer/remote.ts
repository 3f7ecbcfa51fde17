/** What a person does with one camera's replay: pause, play, step, scrub, return; as wishes for the server. */

import { now } from "../clock.js";
import { SEEK_INTERVAL_MS } from "../limits.js";
import type { Position } from "./messages.js";
import type { Replay } from "./replay.js";

export interface ReplayControls {
  seek(clientId: string, position: Position, speed: number): void;
  goLive(clientId: string): void;
}

/** The answer to a wish has come by then. */
const QUIET_MS = 3000;
/** Steps that follow each other this fast count from where the last was to lead, not from what is on the screen. */
const STEPPING_MS = 600;

/** Nearer to the oldest frame than this is at it. */
const AT_START_MS = 50;

export class ReplayRemote {
  private replay: Replay | null = null;
  private wishedAt = Number.NEGATIVE_INFINITY;
  private waiting: (() => void) | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private speed = 1;
  private target: { readonly sequence: number; readonly at: number } | undefined;

  constructor(
    private readonly controls: ReplayControls,
    private readonly clientId: string,
  ) {}

  /** Tells where we stand, as the session says. */
  follow(replay: Replay | null): void {
    this.replay = replay;
  }

  /** Asks what the server keeps while the newest is shown, unless somebody has just wished for something else. */
  inquire(): void {
    if (this.timer !== undefined || now() - this.wishedAt < QUIET_MS) return;
    if (this.replay?.live !== false) this.controls.goLive(this.clientId);
  }

  pause(): void {
    this.from((position) => this.seek(position, 0));
  }

  /** At which `play` plays from now on. */
  choose(speed: number): void {
    this.speed = speed;
  }

  play(): void {
    const { replay } = this;
    // Before the oldest frame there is nothing to play.
    const atStart = replay !== null && replay.at - replay.oldestAt < AT_START_MS;
    const speed = atStart && this.speed < 0 ? 1 : this.speed;
    this.from((position) => this.seek(position, speed));
  }

  /** Frame by frame, at most as fast as seeks may follow each other. */
  step(by: number): void {
    const at = now();
    const recent = this.target && at - this.target.at < STEPPING_MS ? this.target.sequence : undefined;
    const from = recent ?? this.replay?.sequence ?? undefined;
    if (from === undefined) return;
    const sequence = Math.max(1, from + by);
    this.target = { sequence, at };
    this.seek({ sequence }, 0);
  }

  /** `at` is by the server's clock. */
  scrub(at: number): void {
    this.target = undefined;
    this.seek({ at }, 0);
  }

  /** Goes back by seconds, and plays on from there. */
  rewind(seconds: number): void {
    if (!this.replay) return;
    this.target = undefined;
    const back = (this.replay.newestAt - this.replay.at) / 1000 + seconds;
    this.seek({ back }, 1);
  }

  live(): void {
    this.target = undefined;
    this.wish(() => this.controls.goLive(this.clientId));
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = this.waiting = undefined;
  }

  private from(go: (position: Position) => void): void {
    const sequence = this.target?.sequence ?? this.replay?.sequence;
    this.target = undefined;
    if (sequence !== null && sequence !== undefined) go({ sequence });
  }

  private seek(position: Position, speed: number): void {
    this.wish(() => this.controls.seek(this.clientId, position, speed));
  }

  /** Of the wishes that come too fast the last counts. */
  private wish(say: () => void): void {
    this.waiting = say;
    if (this.timer !== undefined) return;
    const wait = this.wishedAt + SEEK_INTERVAL_MS - now();
    if (wait <= 0) this.say();
    else this.timer = setTimeout(() => this.say(), wait);
  }

  private say(): void {
    const say = this.waiting;
    this.stop();
    this.wishedAt = now();
    say?.();
  }
}
