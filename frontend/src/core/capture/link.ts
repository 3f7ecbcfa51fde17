/** One camera's connection: registers it, keeps it, and knows what the ways of losing it mean. */

import { Heartbeat } from "../heartbeat.js";
import type { Failure } from "../failures.js";
import { CloseCode, encodeRegistration } from "../protocol.js";
import { ReconnectingSocket, type SocketOptions, type SocketState } from "../socket.js";
import type { Demand } from "./demand.js";
import { decodeCaptureMessage } from "./messages.js";
import type { Carrier } from "./outgoing.js";
import type { CaptureConnection } from "./snapshot.js";

export interface LinkOptions {
  readonly url: string;
  readonly token?: string | undefined;
  readonly openSocket?: SocketOptions["open"] | undefined;
  /** Asked at every registration. */
  readonly identity: () => { readonly clientId: string; readonly name: string };
}

export interface LinkHandlers {
  /** `failure` is left out where the last one stays the best explanation. */
  onChange(change: { connection?: CaptureConnection; failure?: Failure | null }): void;
  /** On the air: also after every reconnect. */
  onRegistered(): void;
  onDemand(demand: Demand): void;
  /** The server answered the question that was sent then. True if it was a frame's receipt. */
  onAnswer(sentAt: number): boolean;
}

/** What this page can do, for the server to know. */
const CAPABILITIES = ["demand", "envelope", "clock"] as const;
const REGISTRATION_DEADLINE_MS = 8000;

export class CaptureLink implements Carrier {
  private readonly socket: ReconnectingSocket;
  private readonly heartbeat: Heartbeat;
  private registrationTimer: ReturnType<typeof setTimeout> | undefined;
  private registered = false;
  /** On this connection; a server that came back may be another. */
  private answers = false;
  /** What the server said before it closed. */
  private refusal: { readonly reason: string; readonly whileOnAir: boolean } | null = null;
  /** Why we are off the air, where we know better than "gone". */
  private explained: Failure | null = null;

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
      onOpen: () => this.register(),
      onText: (text) => this.read(text),
      onBinary: () => this.heartbeat.heard(),
      onClose: (code) => this.closed(code),
      onState: (state) => this.entered(state),
    });
  }

  get running(): boolean {
    return this.socket.state.kind !== "stopped";
  }

  get onAir(): boolean {
    return this.registered && this.socket.state.kind === "open";
  }

  get bufferedAmount(): number {
    return this.socket.bufferedAmount;
  }

  get offset(): number | undefined {
    return this.answers ? this.heartbeat.clock.offset : undefined;
  }

  /** The latest, in milliseconds. */
  get roundTrip(): number | null {
    return this.heartbeat.clock.roundTrip ?? null;
  }

  start(): void {
    this.socket.start();
  }

  stop(): void {
    this.lost();
    this.socket.stop();
  }

  reconnect(): void {
    this.socket.reconnect();
  }

  send(data: string | ArrayBuffer | Uint8Array<ArrayBuffer>): boolean {
    return this.socket.send(data);
  }

  private entered(state: SocketState): void {
    if (state.kind !== "open") this.lost();
    if (state.kind === "waiting") {
      // What the server said is the better explanation; keep it until we are back on the air.
      const failure = this.explained ?? { kind: "server-gone", retryAt: state.retryAt };
      this.handlers.onChange({ connection: "waiting", failure });
    } else this.handlers.onChange({ connection: state.kind === "stopped" ? "ended" : "connecting" });
  }

  private lost(): void {
    clearTimeout(this.registrationTimer);
    this.heartbeat.stop();
    this.registered = false;
    this.answers = false;
  }

  private register(): void {
    const { clientId, name } = this.options.identity();
    const { token } = this.options;
    this.refusal = null;
    this.socket.send(
      encodeRegistration({
        clientId,
        ...(name === "" ? {} : { name }),
        ...(token === undefined ? {} : { token }),
        capabilities: CAPABILITIES,
      }),
    );
    this.registrationTimer = setTimeout(() => this.socket.reconnect(), REGISTRATION_DEADLINE_MS);
  }

  private read(text: string): void {
    this.heartbeat.heard();
    const message = decodeCaptureMessage(text);
    switch (message?.type) {
      case "registration-success":
        clearTimeout(this.registrationTimer);
        this.registered = true;
        this.explained = null;
        this.heartbeat.start();
        this.handlers.onChange({ connection: "on-air", failure: null });
        this.handlers.onRegistered();
        break;
      case "registration-error":
        this.refusal = { reason: message.error, whileOnAir: this.registered };
        break;
      case "demand":
        this.handlers.onDemand(message);
        break;
      case "clock":
        this.takeClock(message);
        break;
      case "clients":
      case "client-connected":
      case "client-disconnected":
      case undefined:
        break;
    }
  }

  private takeClock(message: { readonly sentAt: number; readonly serverAt?: number }): void {
    const receipt = message.serverAt !== undefined && this.handlers.onAnswer(message.sentAt);
    // Receipts waited behind frames: they would drive the better answers out of the clock's memory.
    if (!receipt) this.heartbeat.take(message);
    this.answers ||= message.serverAt !== undefined;
  }

  private closed(code: number): "retry" | "stop" {
    const { clientId } = this.options.identity();
    if (code === CloseCode.replaced) {
      // Coming back by ourselves would throw the other page out, which would come back, and so on for ever.
      this.handlers.onChange({ failure: { kind: "replaced", clientId } });
      return "stop";
    }
    const { refusal } = this;
    this.refusal = null;
    if (refusal && !refusal.whileOnAir && code === CloseCode.policyViolation) {
      this.handlers.onChange({ failure: { kind: "refused", clientId, reason: refusal.reason } });
      return "stop";
    }
    if (code === CloseCode.messageTooBig) this.explained = { kind: "frame-too-big" };
    else if (refusal) this.explained = { kind: "sent-away", reason: refusal.reason };
    return "retry";
  }
}
