/** A viewer: every camera's newest picture by WebSocket, or by REST while that cannot be had, and how well it goes. */

import { serverBase, viewerSocketUrl } from "../address.js";
import { now } from "../clock.js";
import { Heartbeat } from "../heartbeat.js";
import {
  decodeEnvelope,
  decodeServerMessage,
  encodeControl,
  isClientId,
  VIEWER_SUBPROTOCOL,
  type CameraInfo,
  type FrameHeader,
  type ServerMessage,
} from "../protocol.js";
import { ReconnectingSocket, type SocketOptions } from "../socket.js";
import { Store, type Readable } from "../store.js";
import { ViewedCamera, type CameraSnapshot } from "./camera.js";
import { RestPolling } from "./polling.js";

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

export interface ViewerTotals {
  readonly cameras: number;
  readonly live: number;
  readonly fps: number;
  readonly receivedFps: number;
  readonly bytesPerSecond: number;
  readonly dropped: number;
}

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
    totals: { cameras: 0, live: 0, fps: 0, receivedFps: 0, bytesPerSecond: 0, dropped: 0 },
  });
  readonly snapshot: Readable<ViewerSnapshot> = this.store;

  private readonly base: URL;
  private readonly wanted: readonly string[];
  private readonly cameras = new Map<string, ViewedCamera>();
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
    this.heartbeat = new Heartbeat({
      send: (text) => this.socket.send(text),
      onSilent: () => this.socket.reconnect(),
    });
    const url = viewerSocketUrl(this.base, this.wanted);
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
    for (const id of this.wanted) if (isClientId(id)) this.cameraOf(id).setOnline(false);
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
    for (const camera of this.cameras.values()) camera.interrupted();
    this.socket.send(encodeControl(paused ? "pause" : "resume"));
    if (paused) {
      clearTimeout(this.patienceTimer);
      this.stopPolling();
    } else if (this.link !== "live" && this.link !== "stopped") this.beImpatient();
    this.refresh();
  }

  /** Told by the sink: the picture is on the screen. */
  painted(clientId: string, picture: { takenAt: number; width: number; height: number }): void {
    this.cameras.get(clientId)?.framePainted(picture, now());
  }

  /** Told by the sink: a newer picture overtook this one. */
  dropped(clientId: string): void {
    this.cameras.get(clientId)?.frameDropped();
  }

  // ── by WebSocket ──────────────────────────────────────────────────────────────────────────────

  private opened(): void {
    this.heartbeat.start();
    if (this.paused) this.socket.send(encodeControl("pause"));
  }

  /** Only a message proves the connection: there are proxies that accept a WebSocket and pass nothing on. */
  private heard(): void {
    this.heartbeat.heard();
    if (this.link === "live") return;
    clearTimeout(this.patienceTimer);
    this.stopPolling();
    for (const camera of this.cameras.values()) camera.interrupted();
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
    if (this.paused) return;
    try {
      const { header, jpeg } = decodeEnvelope(data);
      this.take(header, jpeg);
    } catch {
      // One message that cannot be read is one picture less.
    }
  }

  private readText(text: string): void {
    this.heard();
    const message = decodeServerMessage(text);
    if (message) this.read(message);
  }

  private read(message: ServerMessage): void {
    switch (message.type) {
      case "clients":
        this.takeList(message.clients);
        break;
      case "client-connected":
        if (this.wants(message.camera.clientId))
          this.cameraOf(message.camera.clientId).describe(message.camera);
        this.refresh();
        break;
      case "client-disconnected":
        if (message.removed) this.forget(message.clientId);
        else this.cameras.get(message.clientId)?.setOnline(false);
        this.refresh();
        break;
      case "clock":
        this.heartbeat.take(message);
        break;
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
        onFrame: (header, jpeg) => this.take(header, jpeg),
        onReachable: (reachable) => this.enter(reachable ? "polling" : "unreachable"),
      },
    );
    for (const camera of this.cameras.values()) camera.interrupted();
    this.polling.start();
  }

  private stopPolling(): void {
    this.polling?.stop();
    this.polling = null;
  }

  // ── what we know ──────────────────────────────────────────────────────────────────────────────

  private take(header: FrameHeader, jpeg: Uint8Array<ArrayBuffer>): void {
    if (!this.wants(header.clientId)) return;
    const camera = this.cameraOf(header.clientId);
    // Polling sees only some of the frames: the others were not dropped but never asked for.
    if (this.polling) camera.interrupted();
    if (!camera.frameReceived(header, now())) return;
    if (this.sink) this.sink.show(header, jpeg);
  }

  private takeList(list: readonly CameraInfo[]): void {
    const known = new Set(list.map((camera) => camera.clientId));
    for (const info of list) if (this.wants(info.clientId)) this.cameraOf(info.clientId).describe(info);
    for (const id of [...this.cameras.keys()]) if (!known.has(id)) this.forget(id);
    this.refresh();
  }

  /** A camera that was asked for by name keeps its place. */
  private forget(clientId: string): void {
    if (this.wanted.includes(clientId)) this.cameras.get(clientId)?.setOnline(false);
    else this.cameras.delete(clientId);
  }

  private wants(clientId: string): boolean {
    return this.wanted.length === 0 || this.wanted.includes(clientId);
  }

  private cameraOf(clientId: string): ViewedCamera {
    let camera = this.cameras.get(clientId);
    if (!camera) this.cameras.set(clientId, (camera = new ViewedCamera(clientId)));
    return camera;
  }

  private enter(link: ViewerLink): void {
    this.link = link;
    this.refresh();
  }

  private refresh(): void {
    const at = now();
    const { roundTrip, offset } = this.heartbeat.clock;
    const cameras = [...this.cameras.values()]
      .map((camera) => camera.snapshot(at, offset))
      .sort(
        (a, b) =>
          a.name.localeCompare(b.name, undefined, { numeric: true }) || (a.clientId < b.clientId ? -1 : 1),
      );
    const sum = (of: (camera: CameraSnapshot) => number): number =>
      cameras.reduce((total, c) => total + of(c), 0);
    this.store.set({
      link: this.link,
      paused: this.paused,
      roundTrip: roundTrip ?? null,
      cameras,
      totals: {
        cameras: cameras.length,
        live: cameras.filter((camera) => camera.status === "live").length,
        fps: sum((camera) => camera.fps),
        receivedFps: sum((camera) => camera.receivedFps),
        bytesPerSecond: sum((camera) => camera.bytesPerSecond),
        dropped: sum((camera) => camera.dropped),
      },
    });
  }
}
