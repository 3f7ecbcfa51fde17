/** A viewer: every camera's newest picture by WebSocket, or by REST while that cannot be had, and how well it goes. */

import { serverBase, viewerSocketUrl } from "../address.js";
import { now } from "../clock.js";
import { Heartbeat } from "../heartbeat.js";
import {
  decodeEnvelope,
  encodeControl,
  isClientId,
  VIEWER_SUBPROTOCOL,
  type CameraInfo,
  type Envelope,
  type FrameHeader,
} from "../protocol.js";
import { ReconnectingSocket, type SocketOptions } from "../socket.js";
import { Store, type Readable } from "../store.js";
import { Acks } from "./acks.js";
import type { CameraSnapshot } from "./camera.js";
import { Choices } from "./choices.js";
import { decodeViewerMessage, type ViewerMessage } from "./messages.js";
import type { FrameMark } from "./painter-messages.js";
import type { PaintedPicture } from "./painter.js";
import { RestPolling } from "./polling.js";
import { NO_TOTALS, Roster, type ViewerTotals } from "./roster.js";

export type { ViewerTotals } from "./roster.js";

/** Where pictures go: the browser's is in `painter.ts`. */
export interface FrameSink {
  /** Takes `jpeg` over; its buffer may be transferred away. Reports to the session what became of it. */
  show(header: FrameHeader, jpeg: Uint8Array<ArrayBuffer>): void;
}

export type ViewerLink =
  /** No answer yet, by either way. */
  | "connecting"
  | "live"
  /** Pictures come by REST, a few a second. */
  | "polling"
  /** The server answers neither way; the last pictures stay. */
  | "unreachable"
  | "stopped";

export interface ViewerSnapshot {
  readonly link: ViewerLink;
  readonly paused: boolean;
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
/** How long the WebSocket may be away before pictures come by REST. */
const PATIENCE_MS = 2000;

export class ViewerSession {
  private readonly store = new Store<ViewerSnapshot>({
    link: "stopped",
    paused: false,
    roundTrip: null,
    cameras: [],
    totals: NO_TOTALS,
  });
  readonly snapshot: Readable<ViewerSnapshot> = this.store;

  private readonly base: URL;
  private readonly wanted: readonly string[];
  private readonly cameras: Roster;
  private readonly acks = new Acks((text) => this.socket.send(text));
  private readonly choices: Choices;
  private readonly socket: ReconnectingSocket;
  private readonly heartbeat: Heartbeat;
  private polling: RestPolling | null = null;
  private sink: FrameSink | null = null;
  private patienceTimer: ReturnType<typeof setTimeout> | undefined;
  private refreshTimer: ReturnType<typeof setInterval> | undefined;
  private link: ViewerLink = "stopped";
  private paused = false;

  /** Throws TypeError if `server` is no address. */
  constructor(private readonly options: ViewerOptions = {}) {
    this.base = serverBase(options.server, options.page ?? globalThis.location.href);
    this.wanted = options.cameras ?? [];
    this.cameras = new Roster(this.wanted);
    this.choices = new Choices({
      send: (text) => this.socket.send(text),
      maxFps: options.maxFps,
      initial: this.wanted,
      onChange: () => this.refresh(),
    });
    this.heartbeat = new Heartbeat({
      send: (text) => this.socket.send(text),
      onSilent: () => this.socket.reconnect(),
    });
    const url = viewerSocketUrl(this.base, this.wanted, options.maxFps);
    const open = options.openSocket;
    this.socket = new ReconnectingSocket(
      { url, protocols: [VIEWER_SUBPROTOCOL], ...(open && { open }) },
      {
        onOpen: () => this.opened(),
        onText: (text) => this.readText(text),
        onBinary: (data) => this.readFrame(data),
        onClose: () => this.lost(),
        onState: (state) => {
          // A reconnect cuts the old connection without a close event.
          if (state.kind === "connecting") this.heartbeat.stop();
        },
      },
    );
  }

  start(): void {
    if (this.link !== "stopped") return;
    // Cameras asked for by name get their place at once, whether the server knows them or not.
    for (const id of this.wanted) if (isClientId(id)) this.cameras.of(id).setOnline(false);
    this.enter("connecting");
    this.refreshTimer = setInterval(() => this.refresh(), REFRESH_MS);
    this.beImpatient();
    this.socket.start();
  }

  stop(): void {
    clearInterval(this.refreshTimer);
    clearTimeout(this.patienceTimer);
    this.stopPolling();
    this.heartbeat.stop();
    this.acks.reset();
    this.choices.stop();
    this.socket.stop();
    this.enter("stopped");
  }

  /** Where pictures go from now on; one sink at a time. */
  showOn(sink: FrameSink | null): void {
    this.sink = sink;
  }

  /** A paused viewer gets no pictures and costs nothing: for a page nobody sees. */
  setPaused(paused: boolean): void {
    if (paused === this.paused) return;
    this.paused = paused;
    this.cameras.interrupted();
    this.socket.send(encodeControl(paused ? "pause" : "resume"));
    if (paused) {
      clearTimeout(this.patienceTimer);
      this.stopPolling();
    } else if (this.link !== "live" && this.link !== "stopped") this.beImpatient();
    this.refresh();
  }

  /**
   * A camera is shown `pixels` of the device wide, or cannot be seen for null. From the first such word on, only cameras
   * that can be seen are asked for, and no larger than that.
   */
  see(clientId: string, pixels: number | null): void {
    this.choices.see(clientId, pixels);
  }

  /** Told by the sink: the picture is on the screen. */
  painted(clientId: string, picture: PaintedPicture): void {
    const { mark, width, height } = picture;
    // The worker's clock may have been set a little apart from ours, but nothing was painted in the future.
    const paintedAt = Math.min(picture.paintedAt, now());
    this.cameras.get(clientId)?.framePainted({ takenAt: mark.takenAt, width, height }, paintedAt);
    const { offset } = this.heartbeat.clock;
    // How long ago an old picture was taken says nothing of the way it came.
    const measured = mark.live && offset !== undefined;
    this.acks.settle(clientId, mark.sequence, measured ? paintedAt + offset : undefined);
  }

  /** Told by the sink: a newer picture overtook this one, or it was none. */
  dropped(clientId: string, mark: FrameMark, broken: boolean): void {
    this.cameras.get(clientId)?.frameDropped();
    // The ack for the newer one will speak for one that was overtaken.
    if (broken) this.acks.settle(clientId, mark.sequence);
  }

  /** Told by the sink: what it had of this camera will never be painted. */
  closed(clientId: string, newest: FrameMark): void {
    this.acks.settle(clientId, newest.sequence);
  }

  // ── by WebSocket ──────────────────────────────────────────────────────────────────────────────

  private opened(): void {
    this.acks.reset();
    this.heartbeat.start();
    this.choices.opened();
    if (this.paused) this.socket.send(encodeControl("pause"));
  }

  /** Only a message proves the connection: there are proxies that accept a WebSocket and pass nothing on. */
  private heard(): void {
    this.heartbeat.heard();
    if (this.link === "live") return;
    clearTimeout(this.patienceTimer);
    this.stopPolling();
    this.cameras.interrupted();
    this.enter("live");
  }

  private lost(): "retry" {
    this.heartbeat.stop();
    if (this.link === "live") {
      this.enter("connecting");
      this.beImpatient();
    }
    return "retry";
  }

  private readFrame(data: ArrayBuffer): void {
    this.heard();
    let frame: Envelope;
    try {
      frame = decodeEnvelope(data);
    } catch {
      // One message that cannot be read is one picture less.
      return;
    }
    const { clientId, sequence } = frame.header;
    const acks = this.sink !== null && this.socket.protocol === VIEWER_SUBPROTOCOL;
    if (acks) this.acks.received(clientId, sequence);
    // What nobody will paint must be acked too: the server would wait for it.
    if ((this.paused || !this.take(frame.header, frame.jpeg)) && acks) this.acks.settle(clientId, sequence);
  }

  private readText(text: string): void {
    this.heard();
    const message = decodeViewerMessage(text);
    if (message) this.read(message);
  }

  private read(message: ViewerMessage): void {
    switch (message.type) {
      case "clients":
        this.takeList(message.clients);
        break;
      case "client-connected":
        this.cameras.describe(message.camera);
        this.refresh();
        break;
      case "client-disconnected":
        if (message.removed) this.cameras.forget(message.clientId);
        else this.cameras.get(message.clientId)?.setOnline(false);
        this.refresh();
        break;
      case "clock":
        this.heartbeat.take(message);
        break;
      case "latency":
        for (const latency of message.cameras) this.cameras.get(latency.clientId)?.setLatency(latency, now());
        break;
      case "playback":
      case "result":
      case "registration-success":
      case "registration-error":
        break;
    }
  }

  // ── by REST ───────────────────────────────────────────────────────────────────────────────────

  private beImpatient(): void {
    clearTimeout(this.patienceTimer);
    if (this.paused) return;
    this.patienceTimer = setTimeout(() => this.startPolling(), PATIENCE_MS);
  }

  private startPolling(): void {
    this.stopPolling();
    const { fetch } = this.options;
    this.polling = new RestPolling(
      { base: this.base, cameras: this.wanted, ...(fetch && { fetch }) },
      {
        onCameras: (cameras) => this.takeList(cameras),
        onFrame: (header, jpeg) => void this.take(header, jpeg),
        onReachable: (reachable) => this.enter(reachable ? "polling" : "unreachable"),
      },
    );
    this.cameras.interrupted();
    this.polling.start();
  }

  private stopPolling(): void {
    this.polling?.stop();
    this.polling = null;
  }

  // ── what we know ──────────────────────────────────────────────────────────────────────────────

  /** False if nobody will paint it. */
  private take(header: FrameHeader, jpeg: Uint8Array<ArrayBuffer>): boolean {
    if (!this.cameras.wants(header.clientId)) return false;
    const camera = this.cameras.of(header.clientId);
    // What was never asked for was not dropped: polling sees only some frames, and so does who asked for fewer.
    if (this.polling || this.options.maxFps !== undefined) camera.interrupted();
    if (!camera.frameReceived(header, now())) return false;
    this.sink?.show(header, jpeg);
    return true;
  }

  private takeList(list: readonly CameraInfo[]): void {
    this.cameras.replace(list);
    this.refresh();
  }

  private enter(link: ViewerLink): void {
    this.link = link;
    this.refresh();
  }

  private refresh(): void {
    const at = now();
    const { roundTrip, offset } = this.heartbeat.clock;
    for (const camera of this.cameras) camera.setFollowed(this.choices.follows(camera.clientId));
    this.store.set({
      link: this.link,
      paused: this.paused,
      roundTrip: roundTrip ?? null,
      ...this.cameras.snapshot(at, offset),
    });
  }
}
