/** Receives frames and messages from a server: by WebSocket, or by REST requests while there is no WebSocket. */

import { Access, isAccessCode, REFUSED_WAIT_MS, type AccessRefusal, type GetToken } from "../access.js";
import { viewerSocketUrl } from "../address.js";
import { now, type ClockSync } from "../clock.js";
import type { Failure } from "../failures.js";
import { Heartbeat } from "../heartbeat.js";
import {
  CloseCode,
  decodeEnvelope,
  encodeAuthenticate,
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
  readonly getToken?: GetToken | undefined;
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
  private readonly access: Access;
  /** Why the server refuses access now. */
  private refused: AccessRefusal | null = null;
  /** The server has said on this connection why it will close it. */
  private announced: AccessRefusal | null = null;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  /** Changes with every connection, so that a token that comes too late is not sent. */
  private generation = 0;

  constructor(
    private readonly options: FeedOptions,
    private readonly handlers: FeedHandlers,
  ) {
    this.heartbeat = new Heartbeat({
      send: (text) => this.socket.send(text),
      onSilent: () => this.reconnect(),
    });
    this.access = new Access(options.getToken);
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
        onClose: (code, reason) => this.closed(code, reason),
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

  /** Why the server refuses access; null while it does not. */
  get refusal(): AccessRefusal | null {
    return this.refused;
  }

  get hasToken(): boolean {
    return this.access.hasToken;
  }

  /** `fetch` with the token of this viewer. */
  get request(): typeof globalThis.fetch {
    return this.access.authorized(this.options.fetch ?? ((url, options) => globalThis.fetch(url, options)));
  }

  /** Since when the server has not answered, in milliseconds by our clock; null while it answers. */
  lostAt(at: number): number | null {
    const silence = this.link === "live" ? this.heartbeat.silentFor(at) : 0;
    return silence > SILENT_MS ? at - silence : this.lost;
  }

  /** Tries to connect now instead of after the wait between two attempts. */
  retry(): void {
    if (this.link === "refused") {
      this.startAgain();
      return;
    }
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
    this.halt();
    this.refused = null;
    this.enter("stopped");
  }

  private halt(): void {
    clearTimeout(this.fallbackTimer);
    clearTimeout(this.retryTimer);
    this.generation++;
    this.stopPolling();
    this.heartbeat.stop();
    this.access.stop();
    this.socket.stop();
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
    } else if (this.link === "connecting" || this.link === "unreachable") this.scheduleFallback();
  }

  // ── by WebSocket ──────────────────────────────────────────────────────────────────────────────

  private opened(): void {
    this.announced = null;
    const generation = ++this.generation;
    if (!this.access.hasToken) {
      this.begin();
      return;
    }
    void this.access.token().then((token) => {
      if (generation !== this.generation) return;
      // The first message: until then, the server accepts no other one.
      if (token !== null) this.socket.send(encodeAuthenticate(token));
      this.begin();
    });
  }

  private begin(): void {
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

  private closed(code: number, reason: string): "retry" | "stop" {
    if (code === CloseCode.accessEnded) {
      void this.handleRefusal(this.announced ?? { code: "access-ended", reason });
      return "stop";
    }
    this.lostConnection();
    return "retry";
  }

  /** Asks for another token once. Without one, pauses long, because the same token would be refused again. */
  private async handleRefusal(refusal: AccessRefusal): Promise<void> {
    if (this.refused) return;
    this.halt();
    this.refused = refusal;
    this.enter("refused");
    const { generation } = this;
    const hasOther = await this.access.refused();
    if (generation !== this.generation) return;
    if (hasOther) this.startAgain();
    else this.retryTimer = setTimeout(() => this.startAgain(), REFUSED_WAIT_MS);
  }

  private startAgain(): void {
    clearTimeout(this.retryTimer);
    this.refused = null;
    this.start();
  }

  private reconnect(): void {
    // The server has been silent before the connection is given up.
    this.lost = this.lostAt(now());
    this.socket.reconnect();
  }

  private lostConnection(): void {
    this.generation++;
    this.access.stop();
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
    this.access.noteSuccess();
    this.handlers.onFrame(frame, this.socket.protocol === VIEWER_SUBPROTOCOL ? "acked" : "unacked");
  }

  private receiveText(text: string): void {
    const message = decodeViewerMessage(text);
    if (message?.type === "error") {
      const { code, error: reason } = message;
      if (isAccessCode(code)) this.announced = { code, reason };
      return;
    }
    if (message?.type === "clock") {
      // The server answers this before it knows who the viewer is, and may still refuse it.
      this.heartbeat.noteMessage();
      this.heartbeat.handle(message);
      return;
    }
    this.noteMessage();
    if (message?.type === "authenticated") {
      this.access.keepRenewed(
        message.expiresAt,
        () => now() + (this.clock.offset ?? 0),
        (token) => this.socket.send(encodeAuthenticate(token)),
      );
    } else if (message) {
      if (message.type === "clients") this.access.noteSuccess();
      this.handlers.onMessage(message);
    }
  }

  // ── by REST ───────────────────────────────────────────────────────────────────────────────────

  private scheduleFallback(): void {
    clearTimeout(this.fallbackTimer);
    if (this.paused) return;
    this.fallbackTimer = setTimeout(() => this.startPolling(), FALLBACK_AFTER_MS);
  }

  private startPolling(): void {
    this.stopPolling();
    const { base, cameras } = this.options;
    this.polling = new RestPolling(
      { base, cameras, fetch: this.request },
      {
        onCameras: (found) => this.handlers.onCameras(found),
        onFrame: (header, jpeg) => this.handlers.onFrame({ header, jpeg }, "polled"),
        onReachable: (reachable) => this.enter(reachable ? "polling" : "unreachable"),
        onRefused: (refusal) => void this.handleRefusal(refusal),
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
    const answers = link !== "connecting" && link !== "unreachable";
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
