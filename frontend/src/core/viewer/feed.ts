/** Frames and messages from a server: by WebSocket, or by REST while that cannot be had. */

import { viewerSocketUrl } from "../address.js";
import type { ClockSync } from "../clock.js";
import { Heartbeat } from "../heartbeat.js";
import {
  decodeEnvelope,
  encodeControl,
  VIEWER_SUBPROTOCOL,
  type CameraInfo,
  type Envelope,
} from "../protocol.js";
import { ReconnectingSocket, type SocketOptions } from "../socket.js";
import { decodeViewerMessage, type ViewerMessage } from "./messages.js";
import { RestPolling } from "./polling.js";

export type ViewerLink =
  /** No answer yet, by either way. */
  | "connecting"
  | "live"
  /** Pictures come by REST, a few a second. */
  | "polling"
  /** The server answers neither way; the last pictures stay. */
  | "unreachable"
  | "stopped";

/** How a frame came: by a WebSocket that wants acks, by one that does not, or by REST. */
export type Way = "acked" | "unacked" | "polled";

export interface FeedOptions {
  readonly base: URL;
  /** The ids to ask for; empty means all. */
  readonly cameras: readonly string[];
  readonly maxFps?: number | undefined;
  readonly openSocket?: SocketOptions["open"];
  readonly fetch?: typeof fetch | undefined;
}

export interface FeedHandlers {
  /** A new connection, on which nothing has been said yet. */
  onOpen(): void;
  onFrame(frame: Envelope, way: Way): void;
  onMessage(message: ViewerMessage): void;
  /** All cameras there are, as the REST interface tells. */
  onCameras(cameras: readonly CameraInfo[]): void;
  /** Frames come another way from now on, or come again. */
  onSwitch(): void;
  onLink(link: ViewerLink): void;
}

/** How long the WebSocket may be away before pictures come by REST. */
const PATIENCE_MS = 2000;

export class Feed {
  private readonly socket: ReconnectingSocket;
  private readonly heartbeat: Heartbeat;
  private polling: RestPolling | null = null;
  private patienceTimer: ReturnType<typeof setTimeout> | undefined;
  private link: ViewerLink = "stopped";
  private paused = false;

  constructor(
    private readonly options: FeedOptions,
    private readonly handlers: FeedHandlers,
  ) {
    this.heartbeat = new Heartbeat({
      send: (text) => this.socket.send(text),
      onSilent: () => this.socket.reconnect(),
    });
    const { openSocket: open, base, cameras, maxFps } = options;
    this.socket = new ReconnectingSocket(
      {
        url: viewerSocketUrl(base, cameras, maxFps),
        protocols: [VIEWER_SUBPROTOCOL],
        ...(open && { open }),
      },
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

  get clock(): ClockSync {
    return this.heartbeat.clock;
  }

  get stopped(): boolean {
    return this.link === "stopped";
  }

  start(): void {
    this.enter("connecting");
    this.beImpatient();
    this.socket.start();
  }

  stop(): void {
    clearTimeout(this.patienceTimer);
    this.stopPolling();
    this.heartbeat.stop();
    this.socket.stop();
    this.enter("stopped");
  }

  /** False when there is no connection to say it on. */
  send(text: string): boolean {
    return this.socket.send(text);
  }

  setPaused(paused: boolean): void {
    this.paused = paused;
    this.socket.send(encodeControl(paused ? "pause" : "resume"));
    if (paused) {
      clearTimeout(this.patienceTimer);
      this.stopPolling();
    } else if (this.link !== "live" && this.link !== "stopped") this.beImpatient();
  }

  // ── by WebSocket ──────────────────────────────────────────────────────────────────────────────

  private opened(): void {
    this.heartbeat.start();
    this.handlers.onOpen();
    if (this.paused) this.socket.send(encodeControl("pause"));
  }

  /** Only a message proves the connection: there are proxies that accept a WebSocket and pass nothing on. */
  private heard(): void {
    this.heartbeat.heard();
    if (this.link === "live") return;
    clearTimeout(this.patienceTimer);
    this.stopPolling();
    this.handlers.onSwitch();
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
    this.handlers.onFrame(frame, this.socket.protocol === VIEWER_SUBPROTOCOL ? "acked" : "unacked");
  }

  private readText(text: string): void {
    this.heard();
    const message = decodeViewerMessage(text);
    if (message?.type === "clock") this.heartbeat.take(message);
    else if (message) this.handlers.onMessage(message);
  }

  // ── by REST ───────────────────────────────────────────────────────────────────────────────────

  private beImpatient(): void {
    clearTimeout(this.patienceTimer);
    if (this.paused) return;
    this.patienceTimer = setTimeout(() => this.startPolling(), PATIENCE_MS);
  }

  private startPolling(): void {
    this.stopPolling();
    const { base, cameras, fetch } = this.options;
    this.polling = new RestPolling(
      { base, cameras, ...(fetch && { fetch }) },
      {
        onCameras: (found) => this.handlers.onCameras(found),
        onFrame: (header, jpeg) => this.handlers.onFrame({ header, jpeg }, "polled"),
        onReachable: (reachable) => this.enter(reachable ? "polling" : "unreachable"),
      },
    );
    this.handlers.onSwitch();
    this.polling.start();
  }

  private stopPolling(): void {
    this.polling?.stop();
    this.polling = null;
  }

  private enter(link: ViewerLink): void {
    this.link = link;
    this.handlers.onLink(link);
  }
}
