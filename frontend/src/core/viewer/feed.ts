/** Receives frames and messages from a server: by WebSocket, or by REST requests while there is no WebSocket. */

import { viewerSocketUrl } from "../address.js";
import { now, type ClockSync } from "../clock.js";
import type { Failure } from "../failures.js";
import { Heartbeat } from "../heartbeat.js";
import {
  decodeEnvelope,
  encodeControl,
  VIEWER_SUBPROTOCOL,
  type CameraInfo,
  type Envelope,
} from "../protocol.js";
import { whyUnreadable } from "../reachability.js";
import { ReconnectingSocket, type SocketOptions } from "../socket.js";
import { decodeViewerMessage, type ViewerMessage } from "./messages.js";
import { RestPolling } from "./polling.js";
import type { ViewerLink } from "./snapshot.js";

/** How a frame came: by a WebSocket with acknowledgements, by a WebSocket without them, or by a REST request. */
export type Transport = "acked" | "unacked" | "polled";

export interface FeedOptions {
  readonly base: URL;
  /** The ids of the cameras to ask for; empty means all. */
  readonly cameras: readonly string[];
  readonly maxFps?: number | undefined;
  readonly openSocket?: SocketOptions["open"];
  readonly fetch?: typeof fetch | undefined;
  /** The origin of the page; empty for a program without a page. */
  readonly origin?: string | undefined;
}

export interface FeedHandlers {
  /** A new connection is open; nothing has been sent on it. */
  onOpen(): void;
  onFrame(frame: Envelope, transport: Transport): void;
  onMessage(message: ViewerMessage): void;
  /** The complete list of the server's cameras, from the REST interface. */
  onCameras(cameras: readonly CameraInfo[]): void;
  /** The transport of frames changes, or frames come again after an interruption. */
  onTransportChange(): void;
  /** `link` has changed. */
  onLinkChange(): void;
}

/** Polling starts after this time without a WebSocket. */
const FALLBACK_AFTER_MS = 2000;
/** The server answers a question every two seconds. After this much longer it may be gone, although no socket is closed. */
const SILENT_MS = 3000;

export class Feed {
  private readonly socket: ReconnectingSocket;
  private readonly heartbeat: Heartbeat;
  private polling: RestPolling | null = null;
  private fallbackTimer: ReturnType<typeof setTimeout> | undefined;
  private currentLink: ViewerLink = "stopped";
  private isPaused = false;
  private lost: number | null = null;
  private whyLost: Failure | null = null;

  constructor(
    private readonly options: FeedOptions,
    private readonly handlers: FeedHandlers,
  ) {
    this.heartbeat = new Heartbeat({
      send: (text) => this.socket.send(text),
      onSilent: () => this.reconnect(),
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
        onText: (text) => this.receiveText(text),
        onBinary: (data) => this.receiveFrame(data),
        onClose: () => this.closed(),
        onState: (state) => {
          // `reconnect` closes the old connection without a close event.
          if (state.kind === "connecting") this.lostConnection();
        },
      },
    );
  }

  get clock(): ClockSync {
    return this.heartbeat.clock;
  }

  get link(): ViewerLink {
    return this.currentLink;
  }

  /** Since when the server has not answered, in milliseconds by our clock; null while it answers. */
  lostAt(at: number): number | null {
    const silence = this.link === "live" ? this.heartbeat.silentFor(at) : 0;
    return silence > SILENT_MS ? at - silence : this.lost;
  }

  /** Tries to connect now instead of after the wait between two attempts. */
  retry(): void {
    if (this.link === "stopped" || this.lostAt(now()) === null) return;
    this.reconnect();
    if (this.polling) this.startPolling();
  }

  /** Why the server does not serve this page, as far as that is known. */
  get failure(): Failure | null {
    return this.whyLost;
  }

  get paused(): boolean {
    return this.isPaused;
  }

  start(): void {
    this.enter("connecting");
    this.scheduleFallback();
    this.socket.start();
  }

  stop(): void {
    clearTimeout(this.fallbackTimer);
    this.stopPolling();
    this.heartbeat.stop();
    this.socket.stop();
    this.enter("stopped");
  }

  /** Returns false if there is no connection. */
  send(text: string): boolean {
    return this.socket.send(text);
  }

  setPaused(paused: boolean): void {
    this.isPaused = paused;
    this.socket.send(encodeControl(paused ? "pause" : "resume"));
    if (paused) {
      clearTimeout(this.fallbackTimer);
      this.stopPolling();
    } else if (this.link !== "live" && this.link !== "stopped") this.scheduleFallback();
  }

  // ── by WebSocket ──────────────────────────────────────────────────────────────────────────────

  private opened(): void {
    this.heartbeat.start();
    this.handlers.onOpen();
    if (this.paused) this.socket.send(encodeControl("pause"));
  }

  /** Only a message proves that the connection works: some proxies accept a WebSocket and pass nothing on. */
  private noteMessage(): void {
    this.heartbeat.noteMessage();
    if (this.link === "live") return;
    clearTimeout(this.fallbackTimer);
    this.stopPolling();
    this.handlers.onTransportChange();
    this.enter("live");
  }

  private closed(): "retry" {
    this.lostConnection();
    return "retry";
  }

  private reconnect(): void {
    // The server has been silent before the connection is given up.
    this.lost = this.lostAt(now());
    this.socket.reconnect();
  }

  private lostConnection(): void {
    this.heartbeat.stop();
    if (this.link !== "live") return;
    this.enter("connecting");
    this.scheduleFallback();
  }

  private receiveFrame(data: ArrayBuffer): void {
    this.noteMessage();
    let frame: Envelope;
    try {
      frame = decodeEnvelope(data);
    } catch {
      // An invalid message costs one frame, not the connection.
      return;
    }
    this.socket.noteSuccess();
    this.handlers.onFrame(frame, this.socket.protocol === VIEWER_SUBPROTOCOL ? "acked" : "unacked");
  }

  private receiveText(text: string): void {
    this.noteMessage();
    const message = decodeViewerMessage(text);
    if (message?.type === "clock") this.heartbeat.handle(message);
    else if (message) this.handlers.onMessage(message);
  }

  // ── by REST ───────────────────────────────────────────────────────────────────────────────────

  private scheduleFallback(): void {
    clearTimeout(this.fallbackTimer);
    if (this.paused) return;
    this.fallbackTimer = setTimeout(() => this.startPolling(), FALLBACK_AFTER_MS);
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
    this.handlers.onTransportChange();
    this.polling.start();
  }

  private stopPolling(): void {
    this.polling?.stop();
    this.polling = null;
  }

  private enter(link: ViewerLink): void {
    const answers = link === "live" || link === "polling" || link === "stopped";
    this.lost = answers ? null : (this.lost ?? now());
    const became = link !== this.currentLink;
    this.currentLink = link;
    if (answers) this.whyLost = null;
    else if (link === "unreachable" && became) void this.findFailure();
    this.handlers.onLinkChange();
  }

  /** Asks once for each time the server becomes unreachable, because the browser tells a page no reason. */
  private async findFailure(): Promise<void> {
    const { base, origin = globalThis.location.origin, fetch } = this.options;
    const found = await whyUnreadable(base, origin, fetch);
    if (this.link !== "unreachable" || found === "answers") return;
    this.whyLost = found;
    this.handlers.onLinkChange();
  }
}
