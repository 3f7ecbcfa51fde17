/** What a viewer knows about one camera, and whether the camera is live, stalled or offline. */

import { RateMeter } from "../meter.js";
import type { CameraInfo, FrameHeader } from "../protocol.js";
import { reuse } from "../store.js";
import type { CameraLatency, PlaybackMessage } from "./messages.js";
import type { FrameMark } from "./painter-messages.js";
import { PlaybackTracker, type PlaybackState } from "./playback.js";

export type CameraStatus = "waiting" | "live" | "stalled" | "offline";

export interface CameraSnapshot {
  readonly cameraId: string;
  /** The camera's label, or its id if it has no label. */
  readonly name: string;
  readonly status: CameraStatus;
  /** Frames painted per second. */
  readonly fps: number;
  /** Frames received per second. */
  readonly receivedFps: number;
  readonly bytesPerSecond: number;
  readonly width: number;
  readonly height: number;
  /** When the frame on the screen was captured, in milliseconds since the epoch by our clock; null without a frame. */
  readonly takenAt: number | null;
  /** The latency breakdown; null while the server reports none. */
  readonly latency: CameraLatency | null;
  /** Milliseconds from capture to the screen as measured by this page: a moving average; null while it is not known. */
  readonly delay: number | null;
  /** The timeline and the viewer's position in it; null while the server has not described the timeline. */
  readonly playback: PlaybackState | null;
  /** Whether detection results came for this camera. */
  readonly hasResults: boolean;
  /** Frames that newer ones superseded, on the server or on this page. */
  readonly dropped: number;
  readonly painted: number;
  readonly sequence: number | null;
}

/**
 * A camera is stalled after this time without a frame, or after this many of its frame intervals if they last longer.
 */
const STALLED_MS = 3000;
const STALLED_INTERVALS = 4;
const MAX_STALLED_MS = 60_000;
/** A live frame that seems to be older than this is not: the server's clock was set, and this page does not know yet. */
const MAX_DELAY_MS = 60_000;
/** The server reports latencies once a second; a report older than this is outdated. */
const LATENCY_MS = 5000;

export class ViewedCamera {
  private name: string | undefined;
  private online = true;
  private readonly received = new RateMeter();
  private readonly shown = new RateMeter();
  private serverFps = 0;
  /** The newest live frame. `first` says that it is the first one of its connection. */
  private newest:
    { readonly receivedAt: number; readonly timestamp: number; readonly first: boolean } | undefined;
  private connectionIsNew = true;
  private lastSequence: number | undefined;
  /** `takenAt` is by the server's clock, `offset` is the difference of the clocks when the frame was painted. */
  private onScreen:
    { readonly takenAt: number; readonly paintedAt: number; readonly offset: number | undefined } | undefined;
  private dropped = 0;
  private painted = 0;
  private size = { width: 0, height: 0 };
  /** Whether a gap in the sequence numbers means dropped frames. After a pause or a reconnect it does not. */
  private gapsCount = false;
  private readonly playback = new PlaybackTracker();
  hasResults = false;
  private delay: { readonly mean: number; readonly at: number } | undefined;
  private latency: { readonly value: CameraLatency; readonly at: number } | undefined;
  private lastSnapshot: CameraSnapshot | undefined;

  constructor(readonly cameraId: string) {}

  describe(info: CameraInfo): void {
    this.online = info.online;
    this.name = info.name ?? this.name;
    if (info.fps !== undefined) this.serverFps = info.fps;
  }

  setOnline(online: boolean): void {
    this.online = online;
  }

  setLatency(latency: CameraLatency, at: number): void {
    this.latency = { value: latency, at };
  }

  /** Takes the server's description of the timeline and of our position in it. */
  setPlayback(playback: PlaybackMessage, at: number): void {
    if (this.playback.active || !playback.live) this.interrupted();
    this.playback.answered(playback, at);
  }

  /** Frames come from another connection, which starts with live frames. */
  reset(): void {
    this.playback.reset();
    this.interrupted();
    this.connectionIsNew = true;
  }

  /**
   * Frames until the next one are left out on purpose, so the gap in the sequence numbers does not count as dropped
   * frames.
   */
  interrupted(): void {
    this.gapsCount = false;
  }

  /** Notes a frame that arrived. Returns false if it is the same frame as the last one. */
  frameReceived(header: FrameHeader, at: number): boolean {
    if (header.live === false) {
      this.received.add(at, header.size);
      return true;
    }
    const last = this.lastSequence;
    if (this.gapsCount && last !== undefined) {
      if (header.sequence === last) return false;
      // A lower number means that the server forgot the camera and counts from 1 again.
      this.dropped += Math.max(0, header.sequence - last - 1);
    }
    this.gapsCount = true;
    this.lastSequence = header.sequence;
    this.newest = { receivedAt: at, timestamp: header.timestamp, first: this.connectionIsNew };
    this.connectionIsNew = false;
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
    this.onScreen = { takenAt: mark.takenAt, paintedAt: at, offset };
    this.playback.painted(mark);
    if (mark.live && offset !== undefined) {
      const delay = Math.max(0, at + offset - mark.takenAt);
      if (delay > MAX_DELAY_MS) return;
      this.delay = { mean: this.delay ? 0.9 * this.delay.mean + 0.1 * delay : delay, at };
    }
  }

  /**
   * Returns the state at `now`: the same object as the last time if nothing has changed. `offset` is the server's clock
   * minus ours in milliseconds, if known. `subscribed` says whether the server sends frames of this camera.
   */
  snapshot(now: number, offset: number | undefined, subscribed: boolean): CameraSnapshot {
    const received = this.received.rates(now);
    const status = this.status(now, offset, subscribed);
    const playback = this.playback.snapshot(now, status === "live");
    const snapshot: CameraSnapshot = {
      cameraId: this.cameraId,
      name: this.name ?? this.cameraId,
      status,
      fps: this.shown.rates(now).perSecond,
      receivedFps: received.perSecond,
      bytesPerSecond: received.amountPerSecond,
      width: this.size.width,
      height: this.size.height,
      takenAt: this.takenAt(offset),
      latency: this.latency && now - this.latency.at < LATENCY_MS ? this.latency.value : null,
      delay: this.delay && now - this.delay.at < LATENCY_MS ? this.delay.mean : null,
      playback: playback && reuse(this.lastSnapshot?.playback, playback),
      hasResults: this.hasResults,
      dropped: this.dropped,
      painted: this.painted,
      sequence: this.lastSequence ?? null,
    };
    return (this.lastSnapshot = reuse(this.lastSnapshot, snapshot));
  }

  private takenAt(offset: number | undefined): number | null {
    if (!this.onScreen) return null;
    const { takenAt, paintedAt } = this.onScreen;
    // The clock by which the frame was taken is the clock at the time of painting, even if the clock was set later.
    const difference = this.onScreen.offset ?? offset;
    // While the server's clock is unknown, the time of painting is the best guess.
    return difference === undefined ? paintedAt : Math.min(takenAt - difference, paintedAt);
  }

  private status(now: number, offset: number | undefined, subscribed: boolean): CameraStatus {
    if (!this.online) return "offline";
    if (!this.newest) return "waiting";
    // No live frames are expected, so only the server knows whether the camera sends.
    if (!subscribed || this.playback.active) return "live";
    const interval = this.serverFps > 0 ? 1000 / this.serverFps : 0;
    const stalledAfter = Math.min(MAX_STALLED_MS, Math.max(STALLED_MS, STALLED_INTERVALS * interval));
    // A new connection starts with the newest frame of the ring, which may be old. The frames after it are new, whatever
    // the server's clock says: somebody may have set that clock.
    const { receivedAt, timestamp, first } = this.newest;
    const freshAt = first && offset !== undefined ? Math.min(receivedAt, timestamp - offset) : receivedAt;
    return now - freshAt > stalledAfter ? "stalled" : "live";
  }
}
