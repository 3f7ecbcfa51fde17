/** A WebSocket that reconnects until it is stopped, waiting longer after each failure. */

import { now } from "./clock.js";
import { Backoff } from "./backoff.js";

export type SocketState =
  | { readonly kind: "connecting" }
  | { readonly kind: "open" }
  /** `retryAt` is in milliseconds by Date.now(). */
  | { readonly kind: "waiting"; readonly retryAt: number }
  | { readonly kind: "stopped" };

/** The part of WebSocket that is used here. The WebSocket of the package `ws` for Node has this part too. */
export type WebSocketLike = Pick<
  WebSocket,
  | "binaryType"
  | "protocol"
  | "readyState"
  | "bufferedAmount"
  | "onopen"
  | "onmessage"
  | "onclose"
  | "onerror"
  | "send"
  | "close"
>;

export interface SocketHandlers {
  onOpen(): void;
  onText(text: string): void;
  onBinary(data: ArrayBuffer): void;
  /** Returns whether to try again. The code of a connection that never opened is 1006. */
  onClose(code: number, reason: string): "retry" | "stop";
  onState?(state: SocketState): void;
}

export interface SocketOptions {
  readonly url: string;
  readonly protocols?: string[];
  readonly open?: (url: string, protocols?: string[]) => WebSocketLike;
  readonly random?: () => number;
}

/** A connection that the server neither accepts nor refuses within this time is tried again. */
const CONNECT_DEADLINE_MS = 8000;
const OPEN = 1;

export class ReconnectingSocket {
  private socket: WebSocketLike | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly backoff: Backoff;
  private openedAt = 0;
  private current: SocketState = { kind: "stopped" };

  constructor(
    private readonly options: SocketOptions,
    private readonly handlers: SocketHandlers,
  ) {
    this.backoff = new Backoff(options.random);
  }

  get state(): SocketState {
    return this.current;
  }

  /** The negotiated subprotocol; empty without one, or without a connection. */
  get protocol(): string {
    return this.socket?.protocol ?? "";
  }

  /** Bytes that were passed to `send` and have not left the browser. */
  get bufferedAmount(): number {
    return this.socket?.bufferedAmount ?? 0;
  }

  start(): void {
    if (this.current.kind !== "stopped") return;
    this.backoff.noteSuccess();
    this.connect();
  }

  /** Notes that the connection has carried a frame: if it breaks, the next wait is the shortest. */
  noteSuccess(): void {
    this.backoff.noteSuccess();
  }

  stop(): void {
    clearTimeout(this.timer);
    const socket = this.detach();
    this.enter({ kind: "stopped" });
    socket?.close(1000);
  }

  /** Closes the connection or ends the wait, and connects again immediately. */
  reconnect(): void {
    if (this.current.kind === "stopped") return;
    clearTimeout(this.timer);
    const socket = this.detach();
    this.connect();
    socket?.close();
  }

  /**
   * Returns false if the connection is not open. The data is dropped in this case, because it would be outdated later.
   */
  send(data: string | ArrayBuffer | Uint8Array<ArrayBuffer>): boolean {
    if (this.socket?.readyState !== OPEN) return false;
    this.socket.send(data);
    return true;
  }

  private connect(): void {
    this.enter({ kind: "connecting" });
    const open = this.options.open ?? openWebSocket;
    let socket: WebSocketLike;
    try {
      socket = open(this.options.url, this.options.protocols);
    } catch {
      // The constructor throws if a policy forbids the address. Another network may allow it later.
      this.closed(1006, "");
      return;
    }
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    this.timer = setTimeout(() => {
      this.detach();
      socket.close();
      this.closed(1006, "no answer");
    }, CONNECT_DEADLINE_MS);
    socket.onopen = () => {
      clearTimeout(this.timer);
      this.openedAt = now();
      this.enter({ kind: "open" });
      this.handlers.onOpen();
    };
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (typeof data === "string") this.handlers.onText(data);
      else if (data instanceof ArrayBuffer) this.handlers.onBinary(data);
    };
    socket.onclose = ({ code, reason }) => {
      clearTimeout(this.timer);
      this.detach();
      this.closed(code, reason);
    };
  }

  private closed(code: number, reason: string): void {
    const lasted = this.current.kind === "open" ? now() - this.openedAt : 0;
    if (this.handlers.onClose(code, reason) === "stop") {
      this.enter({ kind: "stopped" });
      return;
    }
    const wait = this.backoff.delayAfter(lasted);
    this.timer = setTimeout(() => this.connect(), wait);
    this.enter({ kind: "waiting", retryAt: Date.now() + wait });
  }

  private detach(): WebSocketLike | null {
    const socket = this.socket;
    this.socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      // The package `ws` throws an error if its error event has no listener.
      socket.onerror = () => undefined;
    }
    return socket;
  }

  private enter(state: SocketState): void {
    this.current = state;
    this.handlers.onState?.(state);
  }
}

function openWebSocket(url: string, protocols?: string[]): WebSocketLike {
  return new WebSocket(url, protocols);
}
