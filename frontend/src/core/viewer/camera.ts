/** What a viewer knows of one camera, and whether it is live, stalled or offline. */

import { RateMeter } from "../meter.js";
import type { CameraInfo, FrameHeader } from "../protocol.js";
import type { CameraLatency, Playback } from "./messages.js";
import type { FrameMark } from "./painter-messages.js";
import { ReplayTracker, type Replay } from "./replay.js";

export type CameraStatus = "waiting" | "live" | "stalled" | "offline";

export interface CameraSnapshot {
  readonly clientId: string;
  /** The label, or the id where there is none. */
  readonly name: string;
  readonly status: CameraStatus;
  /** Pictures painted per second. */
  readonly fps: number;
  /** Pictures received per second. */
  readonly receivedFps: number;
  readonly bytesPerSecond: number;
  readonly width: number;
  readonly height: number;
  /** Milliseconds since the newest painted picture was taken, as far as the clocks tell. */
  readonly age: number | null;
  /** Where the time went until pictures were on the screen; null while the server does not say. */
  readonly latency: CameraLatency | null;
  /** Milliseconds from capture to the screen as measured here, in the mean of the last pictures. */
  readonly delay: number | null;
  /** What the server keeps and where we stand in it; null while it does not say. */
  readonly replay: Replay | null;
  /** Programs tell what they find in this camera's pictures. */
  readonly hasResults: boolean;
  /** Overtaken by newer ones, on the server or here. */
  readonly dropped: number;
  readonly painted: number;
  readonly sequence: number | null;
}

/** A camera slower than this is still not called stalled until a few of its own intervals have passed. */
const STALLED_MS = 3000;
const STALLED_INTERVALS = 4;
/** The server tells latencies once a second: what is older than this is no longer so. */
const LATENCY_MS = 5000;

export class ViewedCamera {
  private name: string | undefined;
  private online = true;
  private readonly received = new RateMeter();
  private readonly shown = new RateMeter();
  private serverFps = 0;
  private newest: { readonly receivedAt: number; readonly timestamp: number } | undefined;
  private lastSequence: number | undefined;
  private onScreen: { readonly takenAt: number; readonly paintedAt: number } | undefined;
  private dropped = 0;
  private painted = 0;
  private size = { width: 0, height: 0 };
  /** Gaps are somebody's drops only while frames flow: not across a pause or a reconnect. */
  private gapsCount = false;
  private followed = true;
  private readonly replay = new ReplayTracker();
  hasResults = false;
  private delay: { readonly mean: number; readonly at: number } | undefined;
  private latency: { readonly value: CameraLatency; readonly at: number } | undefined;

  constructor(readonly clientId: string) {}

  describe(info: CameraInfo): void {
    this.online = info.online;
    this.name = info.name ?? this.name;
    if (info.fps !== undefined) this.serverFps = info.fps;
  }

  setOnline(online: boolean): void {
    this.online = online;
  }

  /** Frames of a camera nobody sees are not asked for. */
  setFollowed(followed: boolean): void {
    if (followed === this.followed) return;
    this.followed = followed;
    this.interrupted();
  }

  setLatency(latency: CameraLatency, at: number): void {
    this.latency = { value: latency, at };
  }

  /** Where the server plays from, or that it sends the newest again. */
  setPlayback(playback: Playback, at: number): void {
    if (this.replay.active || !playback.live) this.interrupted();
    this.replay.answered(playback, at);
  }

  /** Another connection, or none, shows the newest and knows nothing of the past. */
  reconnected(): void {
    this.replay.reset();
    this.interrupted();
  }

  /** Frames flow anew: what was missed in between was nobody's drop. */
  interrupted(): void {
    this.gapsCount = false;
  }

  /** Notes a frame that arrived; false if it is the one we have. */
  frameReceived(header: FrameHeader, at: number): boolean {
    if (header.live === false) {
      this.received.add(at, header.size);
      return true;
    }
    const last = this.lastSequence;
    if (this.gapsCount && last !== undefined) {
      if (header.sequence === last) return false;
      // A lower number is a camera that the server had forgotten and that started anew.
      this.dropped += Math.max(0, header.sequence - last - 1);
    }
    this.gapsCount = true;
    this.lastSequence = header.sequence;
    this.newest = { receivedAt: at, timestamp: header.timestamp };
    if (header.fps !== undefined) this.serverFps = header.fps;
    this.received.add(at, header.size);
    return true;
  }

  frameDropped(): void {
    this.dropped++;
  }

  /** `offset` is the server's clock minus ours, if known. */
  framePainted(
    { mark, width, height }: { mark: FrameMark; width: number; height: number },
    at: number,
    offset: number | undefined,
  ): void {
    this.painted++;
    this.size = { width, height };
    this.shown.add(at);
    this.onScreen = { takenAt: mark.takenAt, paintedAt: at };
    this.replay.painted(mark);
    if (mark.live && offset !== undefined) {
      const delay = Math.max(0, at + offset - mark.takenAt);
      this.delay = { mean: this.delay ? 0.9 * this.delay.mean + 0.1 * delay : delay, at };
    }
  }

  /** `offset` is the server's clock minus ours, if known. */
  snapshot(now: number, offset: number | undefined): CameraSnapshot {
    const received = this.received.rates(now);
    return {
      clientId: this.clientId,
      name: this.name ?? this.clientId,
      status: this.status(now, offset),
      fps: this.shown.rates(now).perSecond,
      receivedFps: received.perSecond,
      bytesPerSecond: received.amountPerSecond,
      width: this.size.width,
      height: this.size.height,
      age: this.age(now, offset),
      latency: this.latency && now - this.latency.at < LATENCY_MS ? this.latency.value : null,
      delay: this.delay && now - this.delay.at < LATENCY_MS ? this.delay.mean : null,
      replay: this.replay.snapshot(now, this.status(now, offset) === "live"),
      hasResults: this.hasResults,
      dropped: this.dropped,
      painted: this.painted,
      sequence: this.lastSequence ?? null,
    };
  }

  private age(now: number, offset: number | undefined): number | null {
    if (!this.onScreen) return null;
    // With no common clock, the time since we painted it is the least it can be.
    const takenAt = offset === undefined ? this.onScreen.paintedAt : this.onScreen.takenAt - offset;
    return Math.max(0, now - takenAt);
  }

  private status(now: number, offset: number | undefined): CameraStatus {
    if (!this.online) return "offline";
    if (!this.newest) return "waiting";
    // What does not come as it is taken shows only that the camera is there.
    if (!this.followed || this.replay.active) return "live";
    const interval = this.serverFps > 0 ? 1000 / this.serverFps : 0;
    const patience = Math.min(60_000, Math.max(STALLED_MS, STALLED_INTERVALS * interval));
    // On connect a server sends the newest frame it has, which may be an old one.
    const { receivedAt, timestamp } = this.newest;
    const freshAt = offset === undefined ? receivedAt : Math.min(receivedAt, timestamp - offset);
    return now - freshAt > patience ? "stalled" : "live";
  }
}
