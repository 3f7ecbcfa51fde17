import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket as NodeSocket, WebSocketServer, type WebSocket as Peer } from "ws";
import type { CameraHandlers } from "../../src/core/capture/running-camera.js";
import { CaptureSession } from "../../src/core/capture/session.js";
import { DEFAULTS } from "../../src/core/capture/settings.js";
import type { FrameHeader } from "../../src/core/protocol.js";
import type { WebSocketLike } from "../../src/core/socket.js";
import { ViewerSession } from "../../src/core/viewer/session.js";
import { envelope, JPEG } from "../fakes.js";

const openSocket = (url: string, protocols?: string[]): WebSocketLike =>
  new NodeSocket(url, protocols) as unknown as WebSocketLike;

let server: WebSocketServer | undefined;
afterEach(async () => stop());

/** Starts a server that passes every connection to `serve`. */
async function start(port: number, serve: (peer: Peer, path: string) => void): Promise<number> {
  const started = new WebSocketServer({ port, host: "127.0.0.1" });
  started.on("connection", (peer, request) => serve(peer, request.url ?? ""));
  await new Promise((resolve) => started.once("listening", resolve));
  server = started;
  return (started.address() as AddressInfo).port;
}

async function stop(): Promise<void> {
  const stopping = server;
  server = undefined;
  if (!stopping) return;
  for (const peer of stopping.clients) peer.terminate();
  await new Promise((resolve) => stopping.close(resolve));
}

async function until(done: () => boolean, milliseconds = 20_000): Promise<void> {
  const deadline = Date.now() + milliseconds;
  while (!done()) {
    if (Date.now() > deadline) throw new Error(`not within ${milliseconds} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe("over a real socket", () => {
  it("a camera sends a JPEG byte for byte, and reconnects after the server was stopped", async () => {
    const received: (string | Uint8Array)[] = [];
    const serve = (peer: Peer): void =>
      void peer.on("message", (data: Buffer, isBinary) => {
        received.push(isBinary ? new Uint8Array(data) : data.toString());
        if (!isBinary && data.includes("client-registration")) {
          peer.send('{"type":"registration-success","clientId":"a"}');
        }
      });
    const port = await start(0, serve);
    let camera: CameraHandlers | undefined;
    const session = new CaptureSession({
      server: `http://127.0.0.1:${port}/`,
      page: "http://127.0.0.1/",
      settings: { ...DEFAULTS, cameraId: "a" },
      openSocket,
      openCamera: (_, handlers) => {
        camera = handlers;
        const nothing = () => undefined;
        return Promise.resolve({
          stream: null,
          label: "",
          method: "",
          configure: nothing,
          setRate: nothing,
          hold: nothing,
          stop: nothing,
        });
      },
    });
    const onAir = () => session.snapshot.getSnapshot().connection === "on-air";
    await session.start();
    await until(onAir);
    camera?.onFrame({ jpeg: JPEG.slice().buffer, takenAt: 0, width: 1, height: 1 });
    await until(() => received.some((data) => typeof data !== "string"));
    expect(received.find((data) => typeof data !== "string")).toEqual(JPEG);
    await stop();
    await until(() => !onAir());
    await start(port, serve);
    await until(onAir);
    session.stop();
  }, 60_000);

  it("a viewer agrees on the subprotocol and shows a frame, also after the server was restarted", async () => {
    const serve = (peer: Peer, path: string): void => {
      expect(peer.protocol).toBe("skysentry.v1");
      expect(path).toBe("/stream/ws?client=a");
      peer.send(envelope("a", 1));
    };
    const port = await start(0, serve);
    const shown: FrameHeader[] = [];
    const session = new ViewerSession({
      server: `ws://127.0.0.1:${port}`,
      page: "http://127.0.0.1/",
      cameras: ["a"],
      openSocket,
      fetch: () => Promise.reject(new TypeError("no REST here")),
    });
    session.showOn({ show: (header) => shown.push(header) });
    session.start();
    await until(() => shown.length === 1);
    await stop();
    await start(port, serve);
    await until(() => shown.length === 2);
    session.stop();
  }, 60_000);
});
