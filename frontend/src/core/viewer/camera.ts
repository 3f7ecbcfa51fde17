/** What a viewer knows about one camera. */

import { MAX_NAME_LENGTH } from "../limits.js";
import { RateMeter } from "../meter.js";
import type { CameraInfo, FrameHeader, PictureCondition } from "../protocol.js";
import { reuse } from "../store.js";
import type { CameraLatency, PlaybackMessage } from "./messages.js";
import type { FrameMark } from "./painter-messages.js";
import { PlaybackTracker, type PlaybackState } from "./playback.js";
import { ResultMarks, type ResultMark } from "./result-marks.js";
import { decideStatus, type CameraStatus } from "./status.js";

export type { CameraStatus } from "./status.js";

export interface CameraSnapshot {
  readonly cameraId: string;
  /** The camera's label, or its id if it has no label. */
  readonly name: string;
  readonly status: CameraStatus;
  /** Whether the server knows the camera. A camera that an address names may be unknown. */
  readonly known: boolean;
  /** False if another server has the camera, and does not answer the page's server. */
  readonly reachable: boolean;
  /** What the server says is wrong with the pictures; null if nothing is. */
  readonly condition: PictureCondition | null;
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
  /** Total latencies of the last minute in milliseconds, about one a second, the newest last. */
  readonly latencies: readonly number[];
  /** Milliseconds from capture to the screen as measured by this page: a moving average; null while it is not known. */
  readonly delay: number | null;
  /** The timeline and the viewer's position in it; null while the server has not described the timeline. */
  readonly playback: PlaybackState | null;
  /** Whether detection results came for this camera. */
  readonly hasResults: boolean;
  /** When something was found, by the server's clock: as the server says, and since then as this page has seen it. */
  readonly marks: readonly ResultMark[];
  /** Milliseconds by which the picture comes later, because it waits for its boxes. */
  readonly boxDelay: number;
  /** Frames that newer ones superseded, on the server or on this page. */
  readonly dropped: number;
  readonly painted: number;
  readonly sequence: number | null;
}

/** A live frame that seems to be older than this is not: the server's clock was set, and this page does not know yet. */
const MAX_DELAY_MS = 60_000;
/** The server reports latencies once a second; a report older than this is outdated. */
const LATENCY_MS = 5000;
/** The server's reports that are kept, about one a second. */
export const MAX_LATENCIES = 60;

/** What the session says about the connection when it asks for a snapshot. */
export interface Connection {
  /** The server's clock minus ours in milliseconds, if known. */
  readonly offset: number | undefined;
  /** Whether the server answers. */
  readonly connected: boolean;
  /** Whether the page asks for frames of this camera. */
  readonly subscribed: boolean;
}

export class ViewedCamera {
  private name: string | undefined;
  private online = true;
  private stopped = false;
  private reachable = true;
  private condition: PictureCondition | null = null;
  private known: boolean | undefined;
  private readonly received = new RateMeter();
  private readonly shown = new RateMeter();
  /** Since when the page asks for live frames, by our clock. */
  private askedAt = Number.NEGATIVE_INFINITY;
  /** The newest live frame that was painted since then. */
  private evidence:
    { readonly sequence: number; readonly takenAt: number; readonly paintedAt: number } | undefined;
  /** Whether an earlier one was painted since then. */
  private evidenceMoves = false;
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
  private readonly results = new ResultMarks();
  hasResults = false;
  boxDelay = 0;
  private delay: { readonly mean: number; readonly at: number } | undefined;
  private latencies: readonly number[] = [];
  private latency: { readonly value: CameraLatency; readonly at: number } | undefined;
  private lastSnapshot: CameraSnapshot | undefined;

  constructor(readonly cameraId: string) {}

  /** Takes what the server reports about the camera. */
  describe(info: CameraInfo, at: number): void {
    if (info.online && !this.online) this.asked(at);
    this.known = true;
    this.online = info.online;
    this.stopped = info.stopped === true;
    this.reachable = info.reachable !== false;
    this.condition = info.online ? (info.condition ?? null) : null;
    this.name = info.name === undefined ? this.name : withEllipsis(info.name);
  }

  /** Takes that the camera has left. */
  setOffline(stopped: boolean): void {
    this.known = true;
    this.online = false;
    this.stopped = stopped;
    this.condition = null;
  }

  /** Takes whether the server knows the camera; undefined means that the server has not said so. */
  setKnown(known: boolean | undefined): void {
    this.known = known;
    this.online = false;
    this.condition = null;
  }

  /** The page has asked for live frames. Frames that were painted before say nothing about the camera now. */
  asked(at: number): void {
    this.askedAt = at;
    this.evidence = undefined;
    this.evidenceMoves = false;
    this.interrupted();
  }

  setLatency(latency: CameraLatency, at: number): void {
    this.latency = { value: latency, at };
    this.latencies = [...this.latencies, latency.total].slice(-MAX_LATENCIES);
  }

  /** Takes the server's description of the timeline and of our position in it. */
  setPlayback(playback: PlaybackMessage, at: number): void {
    if (this.playback.active || !playback.live) this.asked(at);
    this.playback.answered(playback, at);
    if (playback.results) this.results.known(playback.results);
    if (playback.results?.length) this.hasResults = true;
  }

  /** Frames come from another connection, which starts with live frames. */
  reset(at: number): void {
    this.playback.reset();
    this.asked(at);
  }

  /**
   * Frames until the next one are left out on purpose, so the gap in the sequence numbers does not count as dropped
   * frames.
   */
  interrupted(): void {
    this.gapsCount = false;
  }

  /** Takes that a detection result came; `found` says whether it has boxes. */
  setResult(sequence: number, found: boolean): void {
    this.hasResults = true;
    if (found) this.results.found(sequence);
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
    this.results.frame(header.sequence, header.timestamp);
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
    if (mark.live) {
      this.evidenceMoves ||= this.evidence !== undefined && this.evidence.sequence !== mark.sequence;
      this.evidence = { sequence: mark.sequence, takenAt: mark.takenAt, paintedAt: at };
    }
    if (mark.live && offset !== undefined) {
      const delay = Math.max(0, at + offset - mark.takenAt);
      if (delay > MAX_DELAY_MS) return;
      this.delay = { mean: this.delay ? 0.9 * this.delay.mean + 0.1 * delay : delay, at };
    }
  }

  /** Returns the state at `now`: the same object as the last time if nothing has changed. */
  snapshot(now: number, connection: Connection): CameraSnapshot {
    const { offset } = connection;
    const received = this.received.rates(now);
    const status = this.status(now, connection);
    const playback = this.playback.snapshot(now, this.grows(status));
    const snapshot: CameraSnapshot = {
      cameraId: this.cameraId,
      name: this.name ?? this.cameraId,
      status,
      known: this.known !== false,
      reachable: this.reachable,
      condition: this.condition,
      fps: this.shown.rates(now).perSecond,
      receivedFps: received.perSecond,
      bytesPerSecond: received.amountPerSecond,
      width: this.size.width,
      height: this.size.height,
      takenAt: this.takenAt(offset),
      latency: this.latency && now - this.latency.at < LATENCY_MS ? this.latency.value : null,
      latencies: this.latencies,
      delay: this.delay && now - this.delay.at < LATENCY_MS ? this.delay.mean : null,
      playback: playback && reuse(this.lastSnapshot?.playback, playback),
      hasResults: this.hasResults,
      marks: this.results.marks,
      boxDelay: Math.round(this.boxDelay / 50) * 50,
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

  private status(now: number, { offset, connected, subscribed }: Connection): CameraStatus {
    return decideStatus(
      {
        connected,
        known: this.known,
        online: this.online,
        stopped: this.stopped,
        reachable: this.reachable,
        watched: subscribed && !this.playback.active,
        askedAt: this.askedAt,
        freshAt: this.freshAt(offset),
        seen: this.onScreen !== undefined,
      },
      now,
    );
  }

  private freshAt(offset: number | undefined): number | undefined {
    if (!this.evidence) return undefined;
    const { takenAt, paintedAt } = this.evidence;
    const believable = offset !== undefined && paintedAt + offset - takenAt <= MAX_DELAY_MS;
    if (offset !== undefined && (believable || !this.evidenceMoves))
      return Math.min(takenAt - offset, paintedAt);
    // A server first sends its newest frame, which may be old. Without its clock, or if somebody has set that clock, only
    // a second frame proves anything.
    return this.evidenceMoves ? paintedAt : undefined;
  }

  /** Whether the timeline grows: the camera sends, as far as we know. */
  private grows(status: CameraStatus): boolean {
    return this.playback.active ? this.online : status === "live";
  }
}

/** A label of the greatest length was probably cut by the server. */
function withEllipsis(name: string): string {
  return Array.from(name).length < MAX_NAME_LENGTH ? name : `${name}…`;
}
