import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Heartbeat } from "../../src/core/heartbeat.js";
import { ReconnectingSocket, type SocketHandlers, type SocketState } from "../../src/core/socket.js";
import { fakeNetwork } from "../fakes.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function build(onClose: SocketHandlers["onClose"] = () => "retry") {
  const network = fakeNetwork();
  const states: SocketState["kind"][] = [];
  const texts: string[] = [];
  const binaries: ArrayBuffer[] = [];
  const socket = new ReconnectingSocket(
    { url: "ws://host/ws", protocols: ["p"], open: network.open, random: () => 1 },
    {
      onOpen: () => undefined,
      onText: (text) => texts.push(text),
      onBinary: (data) => binaries.push(data),
      onClose,
      onState: ({ kind }) => states.push(kind),
    },
  );
  return { network, socket, states, texts, binaries };
}

describe("a reconnecting socket", () => {
  it("asks for array buffers and the subprotocol, and passes on text and binary messages", () => {
    const { network, socket, texts, binaries } = build();
    socket.start();
    socket.start();
    expect(network.sockets).toHaveLength(1);
    network.last.accept();
    expect(network.last.protocols).toEqual(["p"]);
    expect(network.last.binaryType).toBe("arraybuffer");
    network.last.text({ a: 1 });
    network.last.binary(new Uint8Array([1]));
    network.last.onmessage?.({ data: new Blob() });
    expect(texts).toEqual(['{"a":1}']);
    expect(binaries).toHaveLength(1);
  });

  it("sends only while open, and returns whether it did", () => {
    const { network, socket } = build();
    expect(socket.send("x")).toBe(false);
    expect(socket.bufferedAmount).toBe(0);
    socket.start();
    expect(socket.send("x")).toBe(false);
    network.last.accept();
    network.last.bufferedAmount = 7;
    expect(socket.send("x")).toBe(true);
    expect(network.last.sent).toEqual(["x"]);
    expect(socket.bufferedAmount).toBe(7);
  });

  it("reconnects again and again, waiting longer each time up to the limit", () => {
    const { network, socket, states } = build();
    socket.start();
    const waits: number[] = [];
    for (let i = 0; i < 8; i++) {
      const before = Date.now();
      network.last.drop();
      const count = network.sockets.length;
      while (network.sockets.length === count) vi.advanceTimersByTime(100);
      waits.push(Date.now() - before);
    }
    expect(waits).toEqual([500, 1000, 2000, 4000, 4000, 4000, 4000, 4000]);
    expect(states.slice(0, 3)).toEqual(["connecting", "waiting", "connecting"]);
  });

  it("waits for a short time again only after a connection that lasted", () => {
    const { network, socket } = build();
    socket.start();
    network.last.drop();
    vi.advanceTimersByTime(500);
    network.last.accept();
    vi.advanceTimersByTime(9000);
    network.last.drop();
    expect(socket.state).toMatchObject({ kind: "waiting", retryAt: Date.now() + 1000 });
    vi.advanceTimersByTime(1000);
    network.last.accept();
    vi.advanceTimersByTime(10_000);
    network.last.drop();
    expect(socket.state).toMatchObject({ kind: "waiting", retryAt: Date.now() + 500 });
  });

  it("tries again if the server neither accepts nor refuses", () => {
    const { network, socket } = build();
    socket.start();
    vi.advanceTimersByTime(8000);
    expect(network.last.closedWith).toBeUndefined();
    expect(socket.state.kind).toBe("waiting");
  });

  it("stops when the handler or the owner wants it, and reports nothing afterwards", () => {
    const { network, socket, states } = build(() => "stop");
    socket.start();
    const first = network.last;
    first.accept();
    first.drop(4001);
    vi.advanceTimersByTime(60_000);
    expect(network.sockets).toHaveLength(1);
    expect(states).toEqual(["connecting", "open", "stopped"]);
    socket.start();
    const second = network.last;
    second.accept();
    socket.stop();
    expect(second.closedWith).toBe(1000);
    expect(second.onclose).toBeNull();
    second.onerror?.();
    socket.reconnect();
    expect(network.sockets).toHaveLength(2);
  });

  it("closes the connection and connects again at once when asked", () => {
    const { network, socket } = build();
    socket.start();
    const first = network.last;
    first.accept();
    socket.reconnect();
    expect(first.readyState).toBe(3);
    expect(network.sockets).toHaveLength(2);
    expect(socket.state.kind).toBe("connecting");
  });

  it("tries again even if the browser refuses the address", () => {
    let calls = 0;
    const socket = new ReconnectingSocket(
      {
        url: "ws://host",
        open: () => {
          calls++;
          throw new DOMException("no", "SecurityError");
        },
      },
      { onOpen: vi.fn(), onText: vi.fn(), onBinary: vi.fn(), onClose: () => "retry" },
    );
    socket.start();
    vi.advanceTimersByTime(2000);
    expect(calls).toBeGreaterThan(1);
    socket.stop();
  });

  it("uses the browser's WebSocket by default", () => {
    const opened: unknown[][] = [];
    vi.stubGlobal(
      "WebSocket",
      class {
        constructor(...given: unknown[]) {
          opened.push(given);
        }
        close = vi.fn();
      },
    );
    const socket = new ReconnectingSocket(
      { url: "ws://host/" },
      { onOpen: vi.fn(), onText: vi.fn(), onBinary: vi.fn(), onClose: () => "stop" },
    );
    socket.start();
    socket.stop();
    expect(opened).toEqual([["ws://host/", undefined]]);
  });
});

describe("a heartbeat", () => {
  it("measures the round trip and answers the server's own question", () => {
    const sent: string[] = [];
    const heartbeat = new Heartbeat({ send: (text) => sent.push(text), onSilent: vi.fn() });
    heartbeat.start();
    const { sentAt } = JSON.parse(sent[0] ?? "") as { sentAt: number };
    vi.advanceTimersByTime(30);
    heartbeat.handle({ sentAt, serverAt: sentAt + 500 });
    expect(heartbeat.clock.roundTrip).toBeCloseTo(30, 0);
    expect(heartbeat.clock.offset).toBeCloseTo(485, 0);
    heartbeat.handle({ sentAt: 5 });
    expect(JSON.parse(sent[1] ?? "")).toMatchObject({
      type: "clock",
      sentAt: 5,
      serverAt: expect.any(Number) as number,
    });
    heartbeat.stop();
  });

  it("notices an unanswered question, if the server has answered one before", () => {
    const onSilent = vi.fn();
    const heartbeat = new Heartbeat({ send: vi.fn(), onSilent });
    heartbeat.start();
    heartbeat.noteMessage();
    heartbeat.handle({ sentAt: performance.timeOrigin, serverAt: 0 });
    vi.advanceTimersByTime(10_000);
    expect(onSilent).not.toHaveBeenCalled();
    vi.advanceTimersByTime(8000);
    expect(onSilent).toHaveBeenCalled();
    heartbeat.stop();
  });

  it("ignores the silence of a server that does not answer clock messages", () => {
    const onSilent = vi.fn();
    const heartbeat = new Heartbeat({ send: vi.fn(), onSilent });
    heartbeat.start();
    vi.advanceTimersByTime(120_000);
    expect(onSilent).not.toHaveBeenCalled();
    heartbeat.stop();
  });

  it("takes any message as a sign of life", () => {
    const onSilent = vi.fn();
    const heartbeat = new Heartbeat({ send: vi.fn(), onSilent });
    heartbeat.start();
    heartbeat.handle({ sentAt: performance.timeOrigin, serverAt: 0 });
    for (let i = 0; i < 30; i++) {
      vi.advanceTimersByTime(5000);
      heartbeat.noteMessage();
    }
    expect(onSilent).not.toHaveBeenCalled();
    heartbeat.stop();
  });
});
