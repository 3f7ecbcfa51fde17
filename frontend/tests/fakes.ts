import { encodeEnvelope } from "../src/core/protocol.js";
import type { WebSocketLike } from "../src/core/socket.js";

/** The shortest bytes that are accepted as a JPEG. */
export const JPEG = new Uint8Array([0xff, 0xd8, 0xff, 0xe0, 0, 0, 0xff, 0xd9]);

/** A WebSocket whose peer is the test. */
export class FakeSocket {
  binaryType = "blob";
  readyState = 0;
  bufferedAmount = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  readonly sent: (string | ArrayBuffer)[] = [];
  closedWith: number | undefined | null = null;
  protocol = "";

  constructor(
    readonly url: string,
    readonly protocols?: string[],
  ) {}

  send(data: string | ArrayBuffer): void {
    this.sent.push(data);
  }

  close(code?: number): void {
    this.readyState = 3;
    this.closedWith = code;
  }

  /** Opens the connection. The server chooses `protocol`, by default the first that was offered. */
  accept(protocol = this.protocols?.[0] ?? ""): void {
    this.readyState = 1;
    this.protocol = protocol;
    this.onopen?.();
  }

  text(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  binary(data: Uint8Array<ArrayBuffer>): void {
    this.onmessage?.({ data: data.buffer });
  }

  drop(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code, reason: "" });
  }

  /** Returns the JSON messages of one type that were sent. */
  sentMessages(type: string): Record<string, unknown>[] {
    return this.sent
      .filter((data) => typeof data === "string")
      .map((data) => JSON.parse(data) as Record<string, unknown>)
      .filter((message) => message.type === type);
  }
}

/** Opens FakeSockets and keeps them, oldest first. */
export function fakeNetwork() {
  const sockets: FakeSocket[] = [];
  return {
    sockets,
    open: (url: string, protocols?: string[]): WebSocketLike => {
      const socket = new FakeSocket(url, protocols);
      sockets.push(socket);
      return socket as unknown as WebSocketLike;
    },
    get last(): FakeSocket {
      const socket = sockets.at(-1);
      if (!socket) throw new Error("no socket was opened");
      return socket;
    },
  };
}

export function envelope(clientId: string, sequence: number, extra: object = {}): Uint8Array<ArrayBuffer> {
  const timestamp = new Date(performance.timeOrigin + performance.now()).toISOString();
  return encodeEnvelope({ type: "frame", clientId, sequence, timestamp, fps: 15, ...extra }, JPEG);
}
