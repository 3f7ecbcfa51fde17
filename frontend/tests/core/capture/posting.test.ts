/** Frames go by POST while the network lets no WebSocket through, and by WebSocket as soon as there is one. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { CameraHandlers } from "../../../src/core/capture/running-camera.js";
import { CaptureSession } from "../../../src/core/capture/session.js";
import { now } from "../../../src/core/clock.js";
import { DEFAULTS, type CaptureSettings } from "../../../src/core/capture/settings.js";
import { fakeNetwork } from "../../fakes.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const settings: CaptureSettings = { ...DEFAULTS, cameraId: "door", name: "Front door" };

/** A page whose WebSockets all fail, at a server that answers over HTTP. */
async function build(takes: (body: unknown) => number | Promise<number> = () => 200) {
  const network = fakeNetwork();
  const posted: { url: string; size: number }[] = [];
  let handlers: CameraHandlers | undefined;
  let held: boolean | undefined;
  const session = new CaptureSession({
    settings,
    page: "https://host/cams/capture",
    openSocket: network.open,
    random: () => 0.5,
    openCamera: (_settings, given) => {
      handlers = given;
      return Promise.resolve({
        stream: null,
        label: "Fake",
        method: "by hand",
        configure: () => undefined,
        setRate: () => undefined,
        hold: (now: boolean) => void (held = now),
        stop: () => undefined,
      });
    },
    fetch: async (input, options) => {
      const body = options?.body;
      if (options?.method !== "POST") return new Response("{}", { status: 200 });
      // The question why the WebSocket fails is a POST without a body.
      if (!(body instanceof ArrayBuffer)) return new Response("{}", { status: 415 });
      posted.push({ url: input as string, size: body.byteLength });
      const status = await takes(body);
      return new Response("{}", { status });
    },
  });
  const state = () => session.snapshot.getSnapshot();
  const frame = (bytes = 1000) =>
    handlers?.onFrame({ jpeg: new ArrayBuffer(bytes), takenAt: now(), width: 640, height: 480 });
  const settle = () => vi.advanceTimersByTimeAsync(0);
  await session.start();
  network.last.drop();
  await settle();
  return { network, session, state, frame, posted, settle, isHeld: () => held };
}

describe("a camera without a WebSocket", () => {
  it("posts one picture after the other and says so", async () => {
    const { frame, posted, state, settle } = await build();
    expect(state().posting).toBe(true);
    frame();
    await settle();
    expect(posted).toEqual([
      { url: "https://host/cams/api/clients/door/frames?name=Front+door", size: 1000 },
    ]);
    expect(state().connection).toBe("on-air");
    expect(state().failure).toBeNull();
    frame(2000);
    await settle();
    expect(posted.map(({ size }) => size)).toEqual([1000, 2000]);
  });

  it("sends no picture while one is on its way, so none waits", async () => {
    let finish: (status: number) => void = () => undefined;
    const { frame, posted, isHeld, settle } = await build(() => new Promise((resolve) => (finish = resolve)));
    frame(1);
    frame(2);
    expect(isHeld()).toBe(true);
    await settle();
    expect(posted.length).toBe(1);
    finish(200);
    await settle();
    expect(isHeld()).toBe(false);
    frame(3);
    await settle();
    expect(posted.map(({ size }) => size)).toEqual([1, 3]);
  });

  it("returns to the WebSocket when there is one", async () => {
    const { network, frame, posted, state, settle } = await build();
    // A camera that sends no frame for some seconds is opened again, which would be another test.
    const wait = async () => {
      frame();
      await vi.advanceTimersByTimeAsync(1000);
    };
    for (let seconds = 0; seconds < 60; seconds++) await wait();
    expect(state().connection).toBe("on-air");
    const attempts = network.sockets.length;
    while (network.sockets.length === attempts) await wait();
    const count = posted.length;
    network.last.accept();
    await settle();
    network.last.text({ type: "registration-success", clientId: "door" });
    expect(state().posting).toBe(false);
    expect(state().connection).toBe("on-air");
    frame(5000);
    await settle();
    expect(posted.length).toBe(count);
    expect(network.last.sent.some((data) => data instanceof ArrayBuffer)).toBe(true);
  });

  it("registers on the WebSocket only after the server has answered the last picture", async () => {
    let finish: (status: number) => void = () => undefined;
    const { network, frame, posted, state, settle } = await build(
      () => new Promise((resolve) => (finish = resolve)),
    );
    const attempts = network.sockets.length;
    while (network.sockets.length === attempts) {
      frame();
      await vi.advanceTimersByTimeAsync(1000);
      finish(200);
      await settle();
    }
    frame();
    await settle();
    const count = posted.length;
    network.last.accept();
    await settle();
    // Otherwise the server may believe that the picture is from a program that takes the camera over.
    expect(network.last.sent).toEqual([]);
    finish(200);
    await settle();
    expect(network.last.sent.length).toBe(1);
    frame();
    await settle();
    expect(posted.length).toBe(count);
    // If the WebSocket breaks again, pictures are posted again.
    network.last.drop();
    await settle();
    frame();
    await settle();
    expect(posted.length).toBe(count + 1);
    expect(state().posting).toBe(true);
  });

  it("gives up posting when the server takes nothing, and asks again why", async () => {
    const { frame, state, isHeld } = await build(() => 503);
    for (let attempt = 0; attempt < 3; attempt++) {
      frame();
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(state().posting).toBe(false);
    expect(state().failure?.kind).toBe("websocket-blocked");
    expect(isHeld()).toBe(true);
  });

  it("stops when another page sends for the camera", async () => {
    const { frame, state, settle } = await build(() => 409);
    frame();
    await settle();
    expect(state().failure?.kind).toBe("replaced");
    expect(state().connection).toBe("ended");
  });

  it("ends the request in progress when it is stopped", async () => {
    const { frame, session, state, settle } = await build(() => new Promise(() => undefined));
    frame();
    await settle();
    session.stop();
    expect(state().camera).toBe("off");
    expect(state().posting).toBe(false);
  });
});
