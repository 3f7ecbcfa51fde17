/** One camera's connection: registers the camera, reconnects, and turns close codes into failures. */

import { isAccessCode, REFUSED_WAIT_MS, type Access, type AccessRefusal } from "../access.js";
import { now } from "../clock.js";
import { Heartbeat } from "../heartbeat.js";
import type { Failure } from "../failures.js";
import { CloseCode, encodeAuthenticate, encodeGoodbye, encodeRegistration } from "../protocol.js";
import { ReconnectingSocket, type SocketOptions, type SocketState } from "../socket.js";
import type { Demand } from "./demand.js";
import { FramePosts } from "./frame-posts.js";
import { decodeCaptureMessage } from "./messages.js";
import type { Carrier } from "./outgoing.js";
import type { CaptureConnection } from "./snapshot.js";

export interface LinkOptions {
  readonly url: string;
  readonly access: Access;
  readonly openSocket?: SocketOptions["open"] | undefined;
  /** Finds out why a connection could not be opened; null if nothing is known but that the server cannot be reached. */
  readonly whyRefused?: (() => Promise<Failure | null>) | undefined;
  /** Where frames are posted if no WebSocket can be had; if left out, they are not. */
  readonly postUrl?: ((identity: { cameraId: string; name: string }) => string) | undefined;
  readonly fetch?: typeof fetch | undefined;
  /** Called at every registration. */
  readonly identity: () => { readonly cameraId: string; readonly name: string };
}

/** What the server said when it refused something: a sentence in English, and the code of the cause. */
export interface Said {
  readonly reason: string;
  readonly code?: string;
}

export interface LinkHandlers {
  /**
   * `failure` is left out if the last failure still is the best explanation. `retryAt` says when the link connects again,
   * in milliseconds by Date.now().
   */
  onChange(change: {
    connection?: CaptureConnection;
    failure?: Failure | null;
    retryAt?: number | null;
  }): void;
  /**
   * The server has accepted the registration: the first one, or one after a reconnect. `maxFrameSize` is in bytes;
   * undefined if the server does not state it. `capabilities` are those of the server.
   */
  onRegistered(maxFrameSize: number | undefined, capabilities: readonly string[]): void;
  /** No WebSocket can be had, so frames are posted from now on; or there is a WebSocket again. */
  onPosting(posting: boolean): void;
  /** A posted frame was taken, so there is room for the next one. */
  onRoom(): void;
  /** The server refused a frame, and the connection stays open. */
  onFrameRefused(said: Said): void;
  /** The server closed the connection because a message was too large. */
  onTooLarge(): void;
  onDemand(demand: Demand): void;
  /**
   * The server answered the clock message that was sent at `sentAt`. Returns true if this answer is the receipt of a
   * frame.
   */
  onAnswer(sentAt: number): boolean;
}

/** What the page offers to the server at registration. */
const CAPABILITIES = ["demand", "envelope", "clock"] as const;
/** The failures that `whyRefused` finds. */
const FROM_HTTP: ReadonlySet<Failure["kind"]> = new Set([
  "origin-refused",
  "http-refused",
  "websocket-blocked",
  "access-refused",
] as const);
const REGISTRATION_DEADLINE_MS = 8000;

export class CaptureLink implements Carrier {
  private readonly socket: ReconnectingSocket;
  private readonly heartbeat: Heartbeat;
  private registrationTimer: ReturnType<typeof setTimeout> | undefined;
  private registered = false;
  /** Whether the server has ever accepted the camera. After that, no refusal is final: the server may be restarting. */
  private worked = false;
  /** Whether a frame was sent on this connection. */
  private carried = false;
  /** Whether it is being found out why a connection could not be opened. */
  private asking = false;
  /** Whether the server has answered a clock message on this connection. */
  private answers = false;
  /** The error that the server sent before it closed the connection. */
  private refusal: { readonly said: Said; readonly whileOnAir: boolean } | null = null;
  /** Why the connection was closed, if more is known than "server-gone". */
  private explanation: Failure | null = null;
  /** Changes with every connection, so that a token that comes too late is not sent. */
  private generation = 0;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  /** Whether `stop` was called. */
  private ended = false;
  /** Posts frames while no WebSocket can be had. */
  private posts: FramePosts | null = null;
  /** Whether the server has taken a posted frame. */
  private postsWork = false;

  constructor(
    private readonly options: LinkOptions,
    private readonly handlers: LinkHandlers,
  ) {
    const { url, openSocket: open } = options;
    this.heartbeat = new Heartbeat({
      send: (text) => this.socket.send(text),
      onSilent: () => this.socket.reconnect(),
    });
    this.socket = new ReconnectingSocket(open ? { url, open } : { url }, {
      onOpen: () => this.opened(),
      onText: (text) => this.receiveText(text),
      onBinary: () => this.heartbeat.noteMessage(),
      onClose: (code, reason) => this.closed(code, reason),
      onState: (state) => this.entered(state),
    });
  }

  get running(): boolean {
    return this.socket.state.kind !== "stopped";
  }

  get onAir(): boolean {
    return this.posts !== null || (this.registered && this.socket.state.kind === "open");
  }

  get bufferedAmount(): number {
    if (this.posts) return this.posts.full ? Infinity : 0;
    return this.socket.bufferedAmount;
  }

  get offset(): number | undefined {
    return this.answers ? this.heartbeat.clock.offset : undefined;
  }

  /** The latest round trip in milliseconds. */
  get roundTrip(): number | null {
    return this.heartbeat.clock.roundTrip ?? null;
  }

  start(): void {
    this.ended = false;
    this.socket.start();
  }

  /** Ends the connection. `onPurpose` tells the server that this is no fault. */
  stop(onPurpose = false): void {
    if (onPurpose && this.registered) this.socket.send(encodeGoodbye());
    this.stopPosting();
    this.reset();
    this.ended = true;
    clearTimeout(this.retryTimer);
    this.socket.stop();
  }

  /** Registers again. `onPurpose` tells the server that the end of the old connection is no fault. */
  reconnect(onPurpose = false): void {
    if (onPurpose && this.registered) this.socket.send(encodeGoodbye());
    // The id may be another one now.
    this.stopPosting();
    this.socket.reconnect();
  }

  send(data: string | ArrayBuffer | Uint8Array<ArrayBuffer>): boolean {
    if (this.posts) return typeof data !== "string" && this.posts.send(data);
    const sent = this.socket.send(data);
    this.carried ||= sent && typeof data !== "string";
    return sent;
  }

  private entered(state: SocketState): void {
    if (state.kind !== "open") {
      this.reset();
      this.posts?.release();
    }
    // While frames are posted, the attempts to open a WebSocket are nothing that a person needs to know.
    if (this.posts && state.kind !== "stopped") return;
    if (state.kind === "waiting") {
      // Until the camera is registered again, the reason that the server gave is the better explanation.
      const failure = this.explanation ?? { kind: "server-gone", retryAt: state.retryAt };
      this.handlers.onChange({ connection: "waiting", failure, retryAt: state.retryAt });
    } else {
      const connection = state.kind === "stopped" ? "ended" : "connecting";
      this.handlers.onChange({ connection, retryAt: null });
    }
  }

  private reset(): void {
    this.generation++;
    this.options.access.stop();
    clearTimeout(this.registrationTimer);
    this.heartbeat.stop();
    this.registered = false;
    this.answers = false;
  }

  private opened(): void {
    const { access } = this.options;
    this.registrationTimer = setTimeout(() => this.socket.reconnect(), REGISTRATION_DEADLINE_MS);
    if (!access.hasToken && !this.posts) {
      this.register(null);
      return;
    }
    const { generation } = this;
    void Promise.all([access.token(), this.posts?.hold()]).then(([token]) => {
      if (generation === this.generation) this.register(token);
    });
  }

  private register(token: string | null): void {
    const { cameraId, name } = this.options.identity();
    this.refusal = null;
    this.carried = false;
    this.socket.send(
      encodeRegistration({
        cameraId,
        ...(name === "" ? {} : { name }),
        ...(token === null ? {} : { token }),
        capabilities: CAPABILITIES,
      }),
    );
    clearTimeout(this.registrationTimer);
    this.registrationTimer = setTimeout(() => this.socket.reconnect(), REGISTRATION_DEADLINE_MS);
  }

  /** The answer to the registration does not say when the token expires; the answer to this message does. */
  private async askForExpiry(): Promise<void> {
    const { access } = this.options;
    const { generation } = this;
    const token = await access.token();
    if (token !== null && generation === this.generation) this.socket.send(encodeAuthenticate(token));
  }

  private receiveText(text: string): void {
    this.heartbeat.noteMessage();
    const message = decodeCaptureMessage(text);
    switch (message?.type) {
      case "registration-success":
        clearTimeout(this.registrationTimer);
        this.registered = this.worked = true;
        this.explanation = null;
        this.options.access.noteSuccess();
        if (this.options.access.hasToken) void this.askForExpiry();
        this.stopPosting();
        this.heartbeat.start();
        this.handlers.onChange({ connection: "on-air", failure: null });
        this.handlers.onRegistered(message.maxFrameSize, message.capabilities ?? []);
        break;
      case "registration-error":
        this.refusal = { said: saidIn(message), whileOnAir: this.registered };
        break;
      case "authenticated":
        this.options.access.keepRenewed(
          message.expiresAt,
          () => now() + (this.offset ?? 0),
          (token) => this.socket.send(encodeAuthenticate(token)),
        );
        break;
      case "error":
        this.handlers.onFrameRefused(saidIn(message));
        break;
      case "demand":
        this.handlers.onDemand(message);
        break;
      case "clock":
        this.handleClock(message);
        break;
      case "clients":
      case "client-connected":
      case "client-disconnected":
      case undefined:
        break;
    }
  }

  private handleClock(message: { readonly sentAt: number; readonly serverAt?: number }): void {
    const receipt = message.serverAt !== undefined && this.handlers.onAnswer(message.sentAt);
    // Receipts wait behind frames. As samples of the clock they are worse than others, and would replace better ones.
    if (!receipt) this.heartbeat.handle(message);
    this.answers ||= message.serverAt !== undefined;
  }

  private closed(code: number, said: string): "retry" | "stop" {
    const { cameraId } = this.options.identity();
    if (code === CloseCode.accessEnded) {
      const { code: kind, reason } = this.refusal?.said ?? { reason: said };
      void this.accessRefused({ code: isAccessCode(kind) ? kind : "access-ended", reason });
      return "stop";
    }
    if (code === CloseCode.replaced) {
      this.stopPosting();
      // Reconnecting would end the connection of the other page. Then the other page would reconnect too, and so on.
      this.handlers.onChange({ failure: { kind: "replaced", cameraId } });
      return "stop";
    }
    const { refusal } = this;
    this.refusal = null;
    if (refusal && !refusal.whileOnAir && code === CloseCode.policyViolation && !this.worked) {
      this.handlers.onChange({ failure: { kind: "refused", cameraId, ...refusal.said } });
      return "stop";
    }
    if (this.carried && code !== CloseCode.messageTooBig && code !== CloseCode.policyViolation)
      this.socket.noteSuccess();
    this.carried = false;
    if (this.socket.state.kind === "connecting") void this.askWhy();
    if (code === CloseCode.messageTooBig) {
      this.explanation = { kind: "frame-too-big" };
      this.handlers.onTooLarge();
    } else if (refusal) this.explanation = { kind: "sent-away", ...refusal.said };
    return "retry";
  }

  /** Asks for another token once. Without one, pauses long, because the same token would be refused again. */
  private async accessRefused({ code, reason }: AccessRefusal): Promise<void> {
    this.refusal = null;
    this.socket.stop();
    this.handlers.onChange({ failure: { kind: "access-refused", code, reason } });
    const hasOther = await this.options.access.refused();
    if (this.ended) return;
    if (hasOther) this.socket.start();
    // Before the camera was ever accepted, a person sees the reason and decides.
    else if (this.worked) this.retryTimer = setTimeout(() => this.socket.start(), REFUSED_WAIT_MS);
  }

  /** The connection could not be opened, and the browser does not say why. */
  private async askWhy(): Promise<void> {
    if (this.asking || !this.options.whyRefused) return;
    this.asking = true;
    const failure = await this.options.whyRefused();
    this.asking = false;
    const { kind } = this.socket.state;
    if (kind === "stopped" || kind === "open") return;
    if (failure?.kind === "access-refused") {
      await this.accessRefused(failure);
      return;
    }
    if (failure?.kind === "websocket-blocked") this.startPosting();
    if (this.posts) return;
    if (failure) this.explanation = failure;
    else if (this.explanation && FROM_HTTP.has(this.explanation.kind)) this.explanation = null;
    else return;
    this.handlers.onChange({ failure: this.explanation ?? { kind: "server-gone", retryAt: null } });
  }

  /** Posts frames until a WebSocket can be had; the socket goes on trying to open one. */
  private startPosting(): void {
    const { postUrl, fetch } = this.options;
    if (this.posts || !postUrl) return;
    this.postsWork = false;
    this.posts = new FramePosts(
      { url: postUrl(this.options.identity()), fetch },
      {
        onTaken: () => {
          if (this.postsWork) return;
          this.postsWork = this.worked = true;
          this.handlers.onChange({ connection: "on-air", failure: null, retryAt: null });
        },
        onReplaced: () => {
          this.handlers.onChange({
            failure: { kind: "replaced", cameraId: this.options.identity().cameraId },
          });
          this.stop();
        },
        onLost: () => {
          this.stopPosting();
          this.explanation = { kind: "websocket-blocked" };
          this.handlers.onChange({ connection: "connecting", failure: this.explanation, retryAt: null });
          this.socket.reconnect();
        },
        onRoom: () => this.handlers.onRoom(),
      },
    );
    this.handlers.onPosting(true);
  }

  private stopPosting(): void {
    if (!this.posts) return;
    this.posts.stop();
    this.posts = null;
    this.handlers.onPosting(false);
  }
}

function saidIn({ error, code }: { readonly error: string; readonly code?: string }): Said {
  return code === undefined ? { reason: error } : { reason: error, code };
}
