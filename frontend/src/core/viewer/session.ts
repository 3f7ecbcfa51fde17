/** A viewer: receives the frames of all cameras, live or from a playback, and keeps statistics. */

import type { GetToken } from "../access.js";
import { clipUrl, frameUrl, serverBase, snapshotUrl } from "../address.js";
import { now } from "../clock.js";
import type { Envelope } from "../protocol.js";
import type { SocketOptions } from "../socket.js";
import { reuse, Store, type Readable } from "../store.js";
import { CameraList, totalsOf } from "./camera-list.js";
import type { ClipFormat } from "./clip.js";
import { Feed, type Transport } from "./feed.js";
import { FramePresenter, type FrameSink } from "./frame-presenter.js";
import {
  encodeDescribe,
  encodeLive,
  encodeSeek,
  type CameraIds,
  type Position,
  type ViewerMessage,
} from "./messages.js";
import type { FrameMark } from "./painter-messages.js";
import type { PaintedFrame } from "./painter.js";
import { STOPPED_VIEWER, type ViewerSnapshot } from "./snapshot.js";
import { Subscriptions } from "./subscriptions.js";

export interface ViewerOptions {
  readonly server?: string | undefined;
  /** The ids of the cameras to show; empty or left out means all. */
  readonly cameras?: readonly string[];
  /** The highest frame rate of each camera. */
  readonly maxFps?: number | undefined;
  /**
   * Returns the token for the server. Called for the first connection, once when the server refuses the token, and before
   * the token expires.
   */
  readonly getToken?: GetToken | undefined;
  /** The address that `server` is relative to; if left out, the address of the page. */
  readonly page?: string;
  readonly openSocket?: SocketOptions["open"];
  readonly fetch?: typeof fetch;
}

const REFRESH_MS = 400;
/** During a playback, the shown position in the timeline is updated more often. */
const PLAYBACK_REFRESH_MS = 100;
/** The painting worker's reports arrive within this time. */
const WORKER_DELAY_MS = 1000;

type Disconnected = Extract<ViewerMessage, { readonly type: "client-disconnected" }>;

export class ViewerSession {
  private readonly store = new Store<ViewerSnapshot>(STOPPED_VIEWER);
  readonly snapshot: Readable<ViewerSnapshot> = this.store;

  /** The address of the folder with all endpoints of the server. */
  readonly base: URL;
  private readonly maxFps: number | undefined;
  private readonly cameras: CameraList;
  private readonly feed: Feed;
  private readonly presenter: FramePresenter;
  private readonly subscriptions: Subscriptions;
  private refreshedAt = Number.NEGATIVE_INFINITY;
  private refreshTimer: ReturnType<typeof setInterval> | undefined;

  /** Throws TypeError if `server` is not a valid address. */
  constructor({ server, cameras = [], maxFps, getToken, page, openSocket, fetch }: ViewerOptions = {}) {
    this.maxFps = maxFps;
    this.cameras = new CameraList(cameras);
    const base = (this.base = serverBase(server, page ?? globalThis.location.href));
    this.feed = new Feed(
      {
        base,
        cameras,
        maxFps,
        getToken,
        fetch,
        origin: page && new URL(page).origin,
        ...(openSocket && { openSocket }),
      },
      {
        onOpen: () => this.opened(),
        onFrame: (frame, transport) => this.receiveFrame(frame, transport),
        onMessage: (message) => this.handleMessage(message),
        onCameras: (list) => {
          this.cameras.replace(list);
          this.refresh();
        },
        onTransportChange: () => this.resetCameras(),
        onLinkChange: () => this.refresh(),
      },
    );
    const send = (text: string): boolean => this.feed.send(text);
    this.presenter = new FramePresenter({
      send,
      onDropped: (cameraId) => this.cameras.get(cameraId)?.frameDropped(),
    });
    this.subscriptions = new Subscriptions({
      send,
      maxFps,
      initial: cameras,
      onChange: (wasSubscribed) => this.subscriptionsChanged(wasSubscribed),
    });
  }

  start(): void {
    if (this.feed.link !== "stopped") return;
    this.cameras.addWanted();
    this.refreshTimer = setInterval(() => this.refresh(), REFRESH_MS);
    this.feed.start();
  }

  stop(): void {
    clearInterval(this.refreshTimer);
    this.presenter.reset();
    this.subscriptions.stop();
    this.feed.stop();
  }

  /** Tries to connect now instead of after the wait between two attempts. */
  retry(): void {
    this.feed.retry();
  }

  /** Sets where frames go from now on; null drops them. */
  showOn(sink: FrameSink | null): void {
    this.presenter.sink = sink;
  }

  /** Asks the server to stop sending frames, or to send them again. A hidden page needs no frames. */
  setPaused(paused: boolean): void {
    if (paused === this.feed.paused) return;
    for (const camera of this.cameras) camera.asked(now());
    this.feed.setPaused(paused);
    this.refresh();
  }

  /**
   * The camera is shown `pixels` wide in device pixels, or is not visible if null. From the first call on, only visible
   * cameras are subscribed, each with the width limit that fits its size on the page.
   */
  setShownWidth(cameraId: string, pixels: number | null): void {
    this.subscriptions.setShownWidth(cameraId, pixels);
  }

  /**
   * Starts a playback of a camera from `position`, or of several cameras in step. `speed` 0 pauses, a negative speed plays
   * backwards. The snapshot's `playback` shows the result.
   */
  seek(cameras: CameraIds, position: Position, speed: number): void {
    this.feed.send(encodeSeek(cameras, position, speed));
  }

  /** Returns to live frames. While the camera is live, this asks the server to describe the timeline. */
  goLive(cameras: CameraIds): void {
    this.feed.send(encodeLive(cameras));
  }

  /** Asks the server to describe the timeline, also during a playback. Servers that do not know this do nothing. */
  describePlayback(cameras: CameraIds): void {
    this.feed.send(encodeDescribe(cameras));
  }

  /** Returns the address of a clip; times are milliseconds since the epoch by the server's clock. */
  clipUrl(cameraId: string, from: number, to: number, format: ClipFormat): string {
    return clipUrl(this.base, cameraId, from, to, format);
  }

  /** Whether boxes are drawn. */
  setBoxesShown(shown: boolean): void {
    this.presenter.boxesShown = shown;
    this.refresh();
  }

  /**
   * Whether a frame waits up to half a second for its detection result, so that boxes are exactly on their frame. If not,
   * frames are painted at once, and the boxes trail behind.
   */
  setExactBoxes(exact: boolean): void {
    this.presenter.exactBoxes = exact;
    this.refresh();
  }

  /** Returns the address of the frame that was the newest at a moment by the server's clock. */
  frameUrl(cameraId: string, at: number): string {
    return frameUrl(this.base, cameraId, at);
  }

  /** Whether these addresses need the token of this viewer, so that neither a link nor `<img>` can use them. */
  get hasToken(): boolean {
    return this.feed.hasToken;
  }

  /** Requests one of these addresses with the token of this viewer, as `fetch` does. */
  readonly request: typeof fetch = (url, options) => this.feed.request(url, options);

  /** Returns the address of the newest frame. */
  latestUrl(cameraId: string): string {
    return snapshotUrl(this.base, cameraId);
  }

  // ── reports of the sink ───────────────────────────────────────────────────────────────────────

  /** The frame is on the screen. */
  onPainted(cameraId: string, frame: PaintedFrame): void {
    const { offset } = this.feed.clock;
    const paintedAt = likelyTime(frame.paintedAt, now());
    this.cameras.get(cameraId)?.framePainted(frame, paintedAt, offset);
    this.presenter.painted(cameraId, frame.mark, offset === undefined ? undefined : paintedAt + offset);
    if (!frame.mark.live && now() - this.refreshedAt >= PLAYBACK_REFRESH_MS) this.refresh();
  }

  /** The frame is not painted. If `broken`, it cannot be decoded; otherwise a newer frame superseded it. */
  onDropped(cameraId: string, mark: FrameMark, broken: boolean): void {
    this.cameras.get(cameraId)?.frameDropped();
    this.presenter.dropped(cameraId, mark, broken);
  }

  /** The sink cannot paint the frames of this camera up to `newest`. */
  onUnpaintable(cameraId: string, newest: FrameMark): void {
    this.presenter.dropped(cameraId, newest, true);
  }

  // ── messages of the server ────────────────────────────────────────────────────────────────────

  private opened(): void {
    this.presenter.reset();
    this.resetCameras();
    this.subscriptions.opened();
  }

  private resetCameras(): void {
    for (const camera of this.cameras) camera.reset(now());
  }

  private receiveFrame({ header, jpeg }: Envelope, transport: Transport): void {
    if (transport === "acked") this.presenter.received(header);
    // A frame that is not painted is acknowledged too, because otherwise the server would wait for the acknowledgement.
    if (this.feed.paused || !this.cameras.wants(header.cameraId)) {
      this.presenter.skip(header);
      return;
    }
    const camera = this.cameras.getOrAdd(header.cameraId);
    // Polling and a frame rate limit leave frames out on purpose. These frames do not count as dropped.
    if (transport === "polled" || this.maxFps !== undefined) camera.interrupted();
    if (camera.frameReceived(header, now())) this.presenter.show(header, jpeg);
    else this.presenter.skip(header);
  }

  private handleMessage(message: ViewerMessage): void {
    switch (message.type) {
      case "clients":
        this.cameras.replace(message.cameras);
        break;
      case "client-connected":
        this.cameras.describe(message.camera);
        break;
      case "client-disconnected":
        this.disconnected(message);
        break;
      case "playback":
        this.cameras.get(message.cameraId)?.setPlayback(message, now());
        break;
      case "latency":
        for (const latency of message.cameras) this.cameras.get(latency.cameraId)?.setLatency(latency, now());
        return;
      case "result": {
        const camera = this.cameras.get(message.cameraId);
        if (!camera) return;
        camera.setResult(message.sequence, message.boxes.length > 0);
        this.presenter.result(message.cameraId, message.sequence, message.boxes);
        return;
      }
      case "clock":
      case "authenticated":
      case "error":
      case "registration-success":
      case "registration-error":
        return;
    }
    this.refresh();
  }

  private disconnected({ cameraId, removed, stopped }: Disconnected): void {
    if (!removed) this.cameras.get(cameraId)?.setOffline(stopped);
    else {
      this.cameras.forget(cameraId);
      this.presenter.forget(cameraId);
    }
  }

  /**
   * If the subscription to a camera changed, only frames from now on show what the camera does now. The gap in its
   * sequence numbers does not mean dropped frames.
   */
  private subscriptionsChanged(wasSubscribed: (cameraId: string) => boolean): void {
    for (const camera of this.cameras)
      if (wasSubscribed(camera.cameraId) !== this.subscriptions.isSubscribed(camera.cameraId))
        camera.asked(now());
    this.refresh();
  }

  private refresh(): void {
    const at = (this.refreshedAt = now());
    const { roundTrip, offset } = this.feed.clock;
    const { link, paused } = this.feed;
    const before = this.store.getSnapshot();
    const lostAt = this.feed.lostAt(at);
    const connected = (link === "live" || link === "polling") && lostAt === null;
    for (const camera of this.cameras) camera.boxDelay = this.presenter.delayOf(camera.cameraId);
    const cameras = this.cameras.snapshot(at, (id) => ({
      offset,
      connected,
      subscribed: !paused && this.subscriptions.isSubscribed(id),
    }));
    const after: ViewerSnapshot = {
      link,
      refusal: this.feed.refusal,
      lostAt,
      failure: this.feed.failure,
      paused,
      boxesShown: this.presenter.boxesShown,
      exactBoxes: this.presenter.exactBoxes,
      clockOffset: offset === undefined ? null : Math.round(offset / 10) * 10,
      roundTrip: roundTrip ?? null,
      cameras: reuse(before.cameras, cameras),
      totals: reuse(before.totals, totalsOf(cameras)),
    };
    this.store.set(reuse(before, after));
  }
}

/**
 * Returns when a frame was painted, by our clock. The worker's clock may differ a little from ours, but the frame was not
 * painted in the future. If the clock of this device was set before the worker started, the worker's clock is far off.
 */
function likelyTime(reported: number, at: number): number {
  return reported <= at && at - reported < WORKER_DELAY_MS ? reported : at;
}
