/** A viewer: every camera's newest picture, or those of the past somebody asks for, and how well it goes. */

import { clipUrl, serverBase } from "../address.js";
import { now } from "../clock.js";
import { isClientId, type Envelope } from "../protocol.js";
import type { SocketOptions } from "../socket.js";
import { Store, type Readable } from "../store.js";
import type { CameraSnapshot } from "./camera.js";
import { Choices } from "./choices.js";
import type { ClipFormat } from "./clip.js";
import { Feed, type ViewerLink, type Way } from "./feed.js";
import { encodeLive, encodeSeek, type Position, type ViewerMessage } from "./messages.js";
import type { FrameMark } from "./painter-messages.js";
import type { PaintedPicture } from "./painter.js";
import { NO_TOTALS, Roster, type ViewerTotals } from "./roster.js";
import { Screen, type FrameSink } from "./screen.js";

export type { ViewerLink } from "./feed.js";
export type { ViewerTotals } from "./roster.js";

export interface ViewerSnapshot {
  readonly link: ViewerLink;
  readonly paused: boolean;
  /** What programs find is drawn on the pictures. */
  readonly boxesShown: boolean;
  /** Milliseconds there and back. */
  readonly roundTrip: number | null;
  readonly cameras: readonly CameraSnapshot[];
  readonly totals: ViewerTotals;
}

export interface ViewerOptions {
  readonly server?: string | undefined;
  /** The ids to show; empty or left out means all. */
  readonly cameras?: readonly string[];
  /** The most frames a second of each camera. */
  readonly maxFps?: number | undefined;
  readonly page?: string;
  readonly openSocket?: SocketOptions["open"];
  readonly fetch?: typeof fetch;
}

const REFRESH_MS = 400;
/** Who steps through the past looks at where it is more often. */
const REPLAY_REFRESH_MS = 100;

export class ViewerSession {
  private readonly store = new Store<ViewerSnapshot>({
    link: "stopped",
    paused: false,
    boxesShown: true,
    roundTrip: null,
    cameras: [],
    totals: NO_TOTALS,
  });
  readonly snapshot: Readable<ViewerSnapshot> = this.store;

  private readonly base: URL;
  private readonly wanted: readonly string[];
  private readonly maxFps: number | undefined;
  private readonly cameras: Roster;
  private readonly feed: Feed;
  private readonly screen: Screen;
  private readonly choices: Choices;
  private refreshedAt = Number.NEGATIVE_INFINITY;
  private refreshTimer: ReturnType<typeof setInterval> | undefined;
  private link: ViewerLink = "stopped";
  private paused = false;
  private boxesShown = true;

  /** Throws TypeError if `server` is no address. */
  constructor({ server, cameras = [], maxFps, page, openSocket, fetch }: ViewerOptions = {}) {
    this.wanted = cameras;
    this.maxFps = maxFps;
    this.cameras = new Roster(cameras);
    const base = (this.base = serverBase(server, page ?? globalThis.location.href));
    this.feed = new Feed(
      { base, cameras, maxFps, fetch, ...(openSocket && { openSocket }) },
      {
        onOpen: () => this.opened(),
        onFrame: (frame, way) => this.take(frame, way),
        onMessage: (message) => this.read(message),
        onCameras: (list) => {
          this.cameras.replace(list);
          this.refresh();
        },
        onSwitch: () => this.beginAnew(),
        onLink: (link) => {
          this.link = link;
          this.refresh();
        },
      },
    );
    const send = (text: string): boolean => this.feed.send(text);
    this.screen = new Screen({
      send,
      onDropped: (clientId) => this.cameras.get(clientId)?.frameDropped(),
    });
    this.choices = new Choices({ send, maxFps, initial: cameras, onChange: () => this.refresh() });
  }

  start(): void {
    if (!this.feed.stopped) return;
    // Cameras asked for by name get their place at once, whether the server knows them or not.
    for (const id of this.wanted) if (isClientId(id)) this.cameras.of(id).setOnline(false);
    this.refreshTimer = setInterval(() => this.refresh(), REFRESH_MS);
    this.feed.start();
  }

  stop(): void {
    clearInterval(this.refreshTimer);
    this.screen.reset();
    this.choices.stop();
    this.feed.stop();
  }

  /** Where pictures go from now on; one sink at a time. */
  showOn(sink: FrameSink | null): void {
    this.screen.sink = sink;
  }

  /** A paused viewer gets no pictures and costs nothing: for a page nobody sees. */
  setPaused(paused: boolean): void {
    if (paused === this.paused) return;
    this.paused = paused;
    this.cameras.interrupted();
    this.feed.setPaused(paused);
    this.refresh();
  }

  /**
   * A camera is shown `pixels` of the device wide, or cannot be seen for null. From the first such word on, only cameras
   * that can be seen are asked for, and no larger than that.
   */
  see(clientId: string, pixels: number | null): void {
    this.choices.see(clientId, pixels);
  }

  /**
   * Leaves the newest pictures of a camera and plays from `position` at `speed`: 0 stands still, a negative one plays
   * backwards. The snapshot's `replay` says what came of it.
   */
  seek(clientId: string, position: Position, speed: number): void {
    this.feed.send(encodeSeek(clientId, position, speed));
  }

  /** Returns to the newest pictures; asked for while they are shown, it tells what the server keeps. */
  goLive(clientId: string): void {
    this.feed.send(encodeLive(clientId));
  }

  /** Where to download what the server keeps of a camera; times are milliseconds by the server's clock. */
  clipUrl(clientId: string, from: number, to: number, format: ClipFormat): string {
    return clipUrl(this.base, clientId, from, to, format);
  }

  /** Draws what programs find on the pictures, which then wait for it; or does neither. */
  setBoxesShown(shown: boolean): void {
    this.boxesShown = shown;
    this.screen.setBoxesShown(shown);
    this.refresh();
  }

  // ── told by the sink ──────────────────────────────────────────────────────────────────────────

  /** The picture is on the screen. */
  painted(clientId: string, picture: PaintedPicture): void {
    const { offset } = this.feed.clock;
    // The worker's clock may have been set a little apart from ours, but nothing was painted in the future.
    const paintedAt = Math.min(picture.paintedAt, now());
    this.cameras.get(clientId)?.framePainted(picture, paintedAt, offset);
    this.screen.painted(clientId, picture.mark, offset === undefined ? undefined : paintedAt + offset);
    if (!picture.mark.live && now() - this.refreshedAt >= REPLAY_REFRESH_MS) this.refresh();
  }

  /** A newer picture overtook this one, or it was none. */
  dropped(clientId: string, mark: FrameMark, broken: boolean): void {
    this.cameras.get(clientId)?.frameDropped();
    this.screen.dropped(clientId, mark, broken);
  }

  /** What the sink has of this camera will not be painted soon, if ever. */
  shelved(clientId: string, newest: FrameMark): void {
    this.screen.dropped(clientId, newest, true);
  }

  // ── told by the server ────────────────────────────────────────────────────────────────────────

  private opened(): void {
    this.screen.reset();
    this.beginAnew();
    this.choices.opened();
  }

  private beginAnew(): void {
    for (const camera of this.cameras) camera.reconnected();
  }

  private take({ header, jpeg }: Envelope, way: Way): void {
    if (way === "acked") this.screen.received(header);
    // What nobody will paint must be acked too: the server would wait for it.
    if (this.paused || !this.cameras.wants(header.clientId)) {
      this.screen.skip(header);
      return;
    }
    const camera = this.cameras.of(header.clientId);
    // What was never asked for was not dropped: polling sees only some frames, and so does who asked for fewer.
    if (way === "polled" || this.maxFps !== undefined) camera.interrupted();
    if (camera.frameReceived(header, now())) this.screen.show(header, jpeg);
    else this.screen.skip(header);
  }

  private read(message: ViewerMessage): void {
    switch (message.type) {
      case "clients":
        this.cameras.replace(message.clients);
        break;
      case "client-connected":
        this.cameras.describe(message.camera);
        break;
      case "client-disconnected":
        this.disconnected(message.clientId, message.removed);
        break;
      case "playback":
        this.cameras.get(message.clientId)?.setPlayback(message, now());
        break;
      case "latency":
        for (const latency of message.cameras) this.cameras.get(latency.clientId)?.setLatency(latency, now());
        return;
      case "result": {
        const camera = this.cameras.get(message.clientId);
        if (!camera) return;
        camera.hasResults = true;
        this.screen.result(message.clientId, message.sequence, message.boxes);
        return;
      }
      case "clock":
      case "registration-success":
      case "registration-error":
        return;
    }
    this.refresh();
  }

  private disconnected(clientId: string, removed: boolean): void {
    if (!removed) this.cameras.get(clientId)?.setOnline(false);
    else {
      this.cameras.forget(clientId);
      this.screen.forget(clientId);
    }
  }

  private refresh(): void {
    const { roundTrip, offset } = this.feed.clock;
    this.refreshedAt = now();
    for (const camera of this.cameras) camera.setFollowed(this.choices.follows(camera.clientId));
    this.store.set({
      link: this.link,
      paused: this.paused,
      boxesShown: this.boxesShown,
      roundTrip: roundTrip ?? null,
      ...this.cameras.snapshot(now(), offset),
    });
  }
}
