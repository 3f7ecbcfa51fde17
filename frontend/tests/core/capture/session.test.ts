import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Camera, CameraHandlers } from "../../../src/core/capture/running-camera.js";
import { CaptureSession, type CaptureOptions } from "../../../src/core/capture/session.js";
import type { CameraSignal } from "../../../src/core/capture/camera-signals.js";
import { now } from "../../../src/core/clock.js";
import { DEFAULTS, type CaptureSettings } from "../../../src/core/capture/settings.js";
import { fakeNetwork, JPEG, type FakeSocket } from "../../fakes.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const settings: CaptureSettings = { ...DEFAULTS, cameraId: "door", name: "Door" };

interface FakeCamera extends Camera {
  configure: ReturnType<typeof vi.fn<Camera["configure"]>>;
  setRate: ReturnType<typeof vi.fn<Camera["setRate"]>>;
  handlers: CameraHandlers;
  held: boolean | undefined;
  opened: CaptureSettings;
}

function build(options: Partial<CaptureOptions> = {}) {
  const network = fakeNetwork();
  const cameras: FakeCamera[] = [];
  const release = vi.fn();
  const session = new CaptureSession({
    settings,
    page: "http://host/cams/capture",
    openSocket: network.open,
    keepAwake: () => release,
    openCamera: opener(cameras),
    ...options,
  });
  const state = () => session.snapshot.getSnapshot();
  const camera = () => {
    const last = cameras.at(-1);
    if (!last) throw new Error("no camera was opened");
    return last;
  };
  const frame = (bytes = 1000) =>
    camera().handlers.onFrame({ jpeg: new ArrayBuffer(bytes), takenAt: now(), width: 640, height: 480 });
  /** Answers all clock messages that are unanswered. */
  const answer = (serverAhead = 0) => {
    const asked = network.last.sentMessages("clock");
    for (const { sentAt } of asked.slice(answered.get(network.last) ?? 0))
      network.last.text({ type: "clock", sentAt, serverAt: Number(sentAt) + serverAhead });
    answered.set(network.last, asked.length);
  };
  const answered = new Map<FakeSocket, number>();
  const onAir = async () => {
    await session.start();
    network.last.accept();
    network.last.text({ type: "registration-success", clientId: "door" });
  };
  return { network, session, state, camera, cameras, frame, onAir, release, answer };
}

/** Returns a function that opens fake cameras and adds them to the list. */
function opener(cameras: FakeCamera[]) {
  return (opened: CaptureSettings, handlers: CameraHandlers): Promise<Camera> => {
    const camera = {
      stream: null,
      label: "Fake",
      method: "by hand",
      handlers,
      opened,
      held: undefined as boolean | undefined,
      configure: vi.fn<Camera["configure"]>(),
      setRate: vi.fn<Camera["setRate"]>(),
      hold: (held: boolean) => void (camera.held = held),
      stop: vi.fn(),
    };
    cameras.push(camera);
    return Promise.resolve(camera);
  };
}

describe("a capture session", () => {
  it.each([
    ["another device", { deviceId: "rear" }],
    ["a larger width", { width: 1920 }],
  ])("opens the camera again when %s is chosen while it opens", async (_, change) => {
    const { session, state, cameras } = build();
    const starting = session.start();
    await session.configure({ ...settings, ...change });
    await starting;
    expect(cameras.map(({ opened }) => opened)).toEqual([settings, { ...settings, ...change }]);
    expect(cameras[0]?.stop).toHaveBeenCalledOnce();
    expect(state().camera).toBe("on");
    session.stop();
  });

  it("opens the camera, registers, and sends bare JPEGs", async () => {
    const { network, session, state, camera, frame } = build({ token: "secret" });
    const starting = session.start();
    expect(state().camera).toBe("starting");
    await starting;
    expect(state()).toMatchObject({
      camera: "on",
      connection: "connecting",
      cameraLabel: "Fake",
      method: "by hand",
    });
    expect(network.last.url).toBe("ws://host/cams/ws");
    network.last.accept();
    await vi.advanceTimersByTimeAsync(0);
    expect(network.last.sentMessages("client-registration")).toEqual([
      {
        type: "client-registration",
        clientId: "door",
        name: "Door",
        token: "secret",
        capabilities: ["demand", "envelope", "clock"],
      },
    ]);
    expect(camera().held).toBe(true);
    network.last.text({ type: "registration-success", clientId: "door" });
    expect(state().connection).toBe("on-air");
    expect(camera().held).toBe(false);
    frame();
    expect(network.last.sent.at(-1)).toBeInstanceOf(ArrayBuffer);
    session.stop();
  });

  it("leaves label and token out if there are none", async () => {
    const { network, session } = build({ settings: { ...settings, name: "" } });
    await session.start();
    network.last.accept();
    expect(network.last.sentMessages("client-registration")).toEqual([
      { type: "client-registration", clientId: "door", capabilities: ["demand", "envelope", "clock"] },
    ]);
    session.stop();
  });

  it("updates counters, rates and the round trip twice a second", async () => {
    const { session, state, camera, frame, onAir, answer } = build();
    await onAir();
    vi.advanceTimersByTime(40);
    answer();
    for (let i = 0; i < 20; i++) {
      vi.advanceTimersByTime(50);
      frame(2000);
      answer();
    }
    camera().handlers.onSkipped();
    vi.advanceTimersByTime(500);
    expect(state().stats).toMatchObject({ sent: 20, dropped: 1, width: 640, height: 480 });
    expect(state().stats.roundTrip).toBeCloseTo(40, 0);
    expect(state().stats.fps).toBeGreaterThan(10);
    expect(state().stats.bytesPerSecond / state().stats.fps).toBeCloseTo(2000, 0);
    session.stop();
  });

  it("holds the encoder while the socket has a backlog, and checks at every skipped frame", async () => {
    const { network, session, camera, frame, onAir, state } = build();
    await onAir();
    network.last.bufferedAmount = 200_000;
    frame(10_000);
    expect(camera().held).toBe(true);
    // A frame that was already being encoded.
    frame(10_000);
    camera().handlers.onSkipped();
    expect(camera().held).toBe(true);
    network.last.bufferedAmount = 0;
    camera().handlers.onSkipped();
    expect(camera().held).toBe(false);
    vi.advanceTimersByTime(500);
    expect(state().stats).toMatchObject({ sent: 1, dropped: 3 });
    session.stop();
  });

  it("lets two frames wait, however large they are", async () => {
    const { network, session, camera, frame, onAir } = build();
    await onAir();
    network.last.bufferedAmount = 900_000;
    frame(500_000);
    expect(camera().held).toBe(false);
    session.stop();
  });

  it("reconnects by itself when the server is lost, and shows that meanwhile", async () => {
    const { network, session, state, camera, onAir } = build();
    await onAir();
    network.last.drop(1006);
    expect(state()).toMatchObject({ camera: "on", connection: "waiting", failure: { kind: "server-gone" } });
    expect(camera().held).toBe(true);
    vi.advanceTimersByTime(5000);
    network.last.accept();
    network.last.text({ type: "registration-success", clientId: "door" });
    expect(state()).toMatchObject({ connection: "on-air", failure: null });
    session.stop();
  });

  it("does not fight for an id that another page took over, and takes it back when asked", async () => {
    const { network, session, state, onAir } = build();
    await onAir();
    network.last.drop(4001);
    expect(state()).toMatchObject({
      camera: "on",
      connection: "ended",
      failure: { kind: "replaced", cameraId: "door" },
    });
    vi.advanceTimersByTime(60_000);
    expect(network.sockets).toHaveLength(1);
    session.resume();
    network.last.accept();
    network.last.text({ type: "registration-success", clientId: "door" });
    expect(state()).toMatchObject({ connection: "on-air", failure: null });
    session.resume();
    expect(network.sockets).toHaveLength(2);
    session.stop();
  });

  it("stops after a refusal and shows the server's reason", async () => {
    const { network, session, state } = build();
    await session.start();
    network.last.accept();
    network.last.text({ type: "registration-error", clientId: "door", error: "reserved", code: "flood" });
    network.last.drop(1008);
    expect(state().failure).toEqual({
      kind: "refused",
      cameraId: "door",
      reason: "reserved",
      code: "flood",
    });
    vi.advanceTimersByTime(60_000);
    expect(network.sockets).toHaveLength(1);
    await session.start();
    expect(network.sockets).toHaveLength(2);
    session.stop();
  });

  it("tries again if the server is full", async () => {
    const { network, session, state } = build();
    await session.start();
    network.last.accept();
    network.last.text({ type: "registration-error", error: "full" });
    network.last.drop(1013);
    expect(state()).toMatchObject({ connection: "waiting", failure: { kind: "sent-away", reason: "full" } });
    session.stop();
  });

  it("shows that a frame was too large while it reconnects", async () => {
    const { network, session, state, onAir } = build();
    await onAir();
    network.last.text({ type: "registration-error", error: "a frame of 9 MB", code: "frame-too-big" });
    network.last.drop(1009);
    expect(state()).toMatchObject({ connection: "waiting", failure: { kind: "frame-too-big" } });
    session.stop();
  });

  it("reconnects after the server closed the connection, and shows the server's reason until then", async () => {
    const { network, session, state, onAir } = build();
    await onAir();
    network.last.text({ type: "registration-error", error: "too many messages", code: "flood" });
    network.last.drop(1008);
    const failure = { kind: "sent-away", reason: "too many messages" };
    expect(state()).toMatchObject({ connection: "waiting", failure });
    vi.advanceTimersByTime(4000);
    network.last.drop(1006);
    expect(state()).toMatchObject({ connection: "waiting", failure });
    vi.advanceTimersByTime(4000);
    network.last.accept();
    network.last.text({ type: "registration-success", clientId: "door" });
    expect(state().failure).toBeNull();
    session.stop();
  });

  it("reconnects if its registration is not answered", async () => {
    const { network, session } = build();
    await session.start();
    network.last.accept();
    vi.advanceTimersByTime(8000);
    expect(network.sockets).toHaveLength(2);
    session.stop();
  });

  it("replaces a connection that is open but dead", async () => {
    const { network, session, onAir } = build();
    await onAir();
    const { sentAt } = network.last.sentMessages("clock")[0] as { sentAt: number };
    network.last.text({ type: "clock", sentAt, serverAt: 5 });
    vi.advanceTimersByTime(20_000);
    expect(network.sockets.length).toBeGreaterThan(1);
    session.stop();
  });

  it("ignores messages that are not for cameras", async () => {
    const { network, session, state, onAir } = build();
    await onAir();
    network.last.text({ type: "clients", clients: [] });
    network.last.binary(new Uint8Array(3));
    expect(state().connection).toBe("on-air");
    session.stop();
  });

  it("closes everything when stopped", async () => {
    const { network, session, state, camera, onAir, release } = build();
    await onAir();
    session.stop();
    expect(camera().stop).toHaveBeenCalled();
    expect(release).toHaveBeenCalled();
    expect(network.last.closedWith).toBe(1000);
    expect(state()).toMatchObject({ camera: "off", connection: "off", stream: null });
    vi.advanceTimersByTime(60_000);
    expect(network.sockets).toHaveLength(1);
  });

  it("closes a camera that opens after the session was stopped", async () => {
    const { session, state, camera } = build();
    const starting = session.start();
    session.stop();
    await starting;
    expect(camera().stop).toHaveBeenCalled();
    expect(state().camera).toBe("off");
  });

  it("shows why there is no camera", async () => {
    const denied = build({ openCamera: () => Promise.reject(new DOMException("", "NotAllowedError")) });
    await denied.session.start();
    expect(denied.state()).toMatchObject({ camera: "off", failure: { kind: "permission-denied" } });

    const insecure = build({
      openCamera: () => Promise.reject({ kind: "insecure-context", address: "http://h" }),
    });
    await insecure.session.start();
    expect(insecure.state().failure).toEqual({ kind: "insecure-context", address: "http://h" });
  });

  it("waits for a camera that was disconnected, and goes on with it", async () => {
    const { network, session, state, camera, cameras, frame, onAir } = build();
    await onAir();
    frame();
    camera().handlers.onFailure({ kind: "camera-lost" });
    expect(state()).toMatchObject({ camera: "waiting", stream: null, failure: { kind: "camera-lost" } });
    expect(camera().stop).toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(500);
    expect(cameras).toHaveLength(2);
    expect(state()).toMatchObject({ camera: "on", connection: "on-air", failure: null });
    expect(network.sockets).toHaveLength(1);
    frame();
    expect(camera().held).toBe(false);
    session.stop();
  });

  it.each(["NotReadableError", "AbortError", "NotFoundError", "OverconstrainedError", "OddError"])(
    "tries again with back-off after %s once a camera has worked",
    async (name) => {
      let broken = false;
      let asked = 0;
      const { session, state, camera, cameras, onAir, frame } = build({
        random: () => 0.999,
        openCamera: async (opened, handlers) => {
          asked++;
          if (broken) throw new DOMException("", name);
          return opens(opened, handlers);
        },
      });
      const opens = opener(cameras);
      await onAir();
      frame();
      broken = true;
      camera().handlers.onFailure({ kind: "camera-lost" });
      await vi.advanceTimersByTimeAsync(60_000);
      expect(state().camera).toBe("waiting");
      expect(asked).toBeGreaterThan(14);
      expect(asked).toBeLessThan(20);
      broken = false;
      await vi.advanceTimersByTimeAsync(4000);
      expect(state()).toMatchObject({ camera: "on", connection: "on-air", failure: null });
      session.stop();
      await vi.advanceTimersByTimeAsync(60_000);
      expect(state().camera).toBe("off");
    },
  );

  it("waits for a camera from the start if nobody is there, and connects when it has one", async () => {
    let missing = true;
    const { network, session, state, cameras, release } = build({
      openCamera: (opened, handlers) =>
        missing ? Promise.reject(new DOMException("", "NotFoundError")) : opens(opened, handlers),
    });
    const opens = opener(cameras);
    await session.start({ unattended: true });
    expect(state()).toMatchObject({ camera: "waiting", connection: "off", failure: { kind: "no-camera" } });
    missing = false;
    await vi.advanceTimersByTimeAsync(4000);
    expect(state()).toMatchObject({ camera: "on", connection: "connecting", failure: null });
    expect(network.sockets).toHaveLength(1);
    session.stop();
    expect(release).toHaveBeenCalledOnce();
  });

  it.each(["device", "visible", "allowed"] as const)(
    "tries again at once at the signal %s",
    async (signal) => {
      let tell: (signal: CameraSignal) => void = () => undefined;
      const unwatch = vi.fn();
      const { session, state, camera, cameras, onAir } = build({
        random: () => 0.999,
        watchCameras: (listener) => {
          tell = listener;
          return unwatch;
        },
      });
      await onAir();
      tell(signal);
      expect(cameras).toHaveLength(1);
      camera().handlers.onFailure({ kind: "camera-lost" });
      tell(signal);
      tell(signal);
      await vi.advanceTimersByTimeAsync(0);
      expect(cameras).toHaveLength(2);
      expect(state().camera).toBe("on");
      session.stop();
      expect(unwatch).toHaveBeenCalled();
    },
  );

  it("does not ask for permission again and again, but goes on when it is given", async () => {
    let tell: (signal: CameraSignal) => void = () => undefined;
    let asked = 0;
    let denied = true;
    const { session, state, cameras } = build({
      watchCameras: (listener) => {
        tell = listener;
        return () => undefined;
      },
      openCamera: (opened, handlers) => {
        asked++;
        return denied ? Promise.reject(new DOMException("", "NotAllowedError")) : opens(opened, handlers);
      },
    });
    const opens = opener(cameras);
    await session.start({ unattended: true });
    await vi.advanceTimersByTimeAsync(60_000);
    tell("device");
    expect(asked).toBe(1);
    expect(state()).toMatchObject({ camera: "waiting", failure: { kind: "permission-denied" } });
    session.stop();
    await session.start();
    expect(state()).toMatchObject({ camera: "off", failure: { kind: "permission-denied" } });
    denied = false;
    tell("allowed");
    await vi.advanceTimersByTimeAsync(0);
    expect(state().camera).toBe("on");
    session.stop();
  });

  it("shows that the system has paused the camera, sends nothing meanwhile, and goes on afterwards", async () => {
    const { network, session, state, camera, cameras, frame, onAir } = build();
    await onAir();
    camera().handlers.onMuted?.(true);
    expect(state()).toMatchObject({ camera: "waiting", failure: { kind: "camera-muted" } });
    expect(camera().held).toBe(true);
    const sent = network.last.sent.length;
    frame();
    expect(network.last.sent).toHaveLength(sent);
    camera().handlers.onMuted?.(false);
    expect(state()).toMatchObject({ camera: "on", failure: null });
    expect(camera().held).toBe(false);
    expect(cameras).toHaveLength(1);
    camera().handlers.onMuted?.(true);
    vi.advanceTimersByTime(11_000);
    await vi.advanceTimersByTimeAsync(4000);
    expect(cameras.length).toBeGreaterThan(1);
    session.stop();
  });

  it("opens a camera again that gives no pictures, but not one that is only held", async () => {
    const { network, session, state, camera, cameras, onAir, frame } = build();
    await onAir();
    for (let second = 0; second < 30; second++) {
      vi.advanceTimersByTime(1000);
      camera().handlers.onSkipped();
      network.last.text({ type: "demand", viewers: 0 });
    }
    expect(cameras).toHaveLength(1);
    frame();
    vi.advanceTimersByTime(11_000);
    expect(state()).toMatchObject({ camera: "waiting", failure: { kind: "camera-silent" } });
    await vi.advanceTimersByTimeAsync(4000);
    expect(state().camera).toBe("on");
    expect(cameras).toHaveLength(2);
    session.stop();
  });

  it("waits for the chosen camera instead of showing what another one sees", async () => {
    const any: (boolean | undefined)[] = [];
    const { session, camera, cameras, onAir } = build({
      openCamera: (opened, handlers, anyDevice) => {
        any.push(anyDevice);
        return opens(opened, handlers);
      },
    });
    const opens = opener(cameras);
    await onAir();
    camera().handlers.onFailure({ kind: "camera-lost" });
    await vi.advanceTimersByTimeAsync(4000);
    expect(any).toEqual([true, false]);
    session.stop();
  });

  it("can be told to try again now", async () => {
    const { session, state, camera, cameras, onAir } = build({ random: () => 0.999 });
    await onAir();
    camera().handlers.onFailure({ kind: "camera-lost" });
    session.retryCamera();
    await vi.advanceTimersByTimeAsync(0);
    expect(state().camera).toBe("on");
    expect(cameras).toHaveLength(2);
    session.stop();
  });

  it("says goodbye when it is stopped or gets another id, and only then", async () => {
    const { network, session, onAir } = build();
    await onAir();
    await session.configure({ ...settings, name: "Gate" });
    expect(network.sockets[0]?.sentMessages("goodbye")).toEqual([]);
    network.last.accept();
    network.last.text({ type: "registration-success", clientId: "door" });
    await session.configure({ ...settings, name: "Gate", cameraId: "gate" });
    expect(network.sockets[1]?.sentMessages("goodbye")).toHaveLength(1);
    network.last.accept();
    session.stop();
    expect(network.last.sentMessages("goodbye")).toEqual([]);
    await onAir();
    session.stop();
    expect(network.last.sent.at(-1)).toBe('{"type":"goodbye"}');
    expect(network.last.closedWith).toBe(1000);
  });

  it("keeps to the size that the server takes, and makes smaller pictures", async () => {
    const { network, session, state, camera, frame, onAir } = build();
    await onAir();
    network.last.drop(1001);
    vi.advanceTimersByTime(4000);
    network.last.accept();
    network.last.text({ type: "registration-success", clientId: "door", maxFrameSize: 100_000 });
    frame(100_000);
    frame(100_001);
    frame(400_000);
    const sizes = () =>
      network.last.sent.filter((data) => typeof data !== "string").map((data) => data.byteLength);
    expect(sizes()).toEqual([100_000]);
    expect(state()).toMatchObject({ tooLarge: true, narrow: false });
    expect(state().sending.width).toBeLessThan(1280 / 2);
    expect(camera().configure).toHaveBeenLastCalledWith(state().sending);
    session.stop();
  });

  it("assumes 5 MiB where the server states no size, and learns less from a closed connection", async () => {
    const { network, session, frame, onAir, answer } = build();
    await onAir();
    frame(5 * 1024 * 1024 + 1);
    expect(network.last.sent.filter((data) => typeof data !== "string")).toEqual([]);
    frame(3_000_000);
    network.last.drop(1009);
    vi.advanceTimersByTime(4000);
    network.last.accept();
    network.last.text({ type: "registration-success", clientId: "door" });
    answer();
    frame(3_000_000);
    expect(network.last.sent.filter((data) => typeof data !== "string")).toEqual([]);
    frame(1_000_000);
    expect(network.last.sent.filter((data) => typeof data !== "string")).toHaveLength(1);
    session.stop();
  });

  it("shows for some seconds why the server refused a picture", async () => {
    const { network, session, state, onAir } = build();
    await onAir();
    network.last.text({ type: "error", error: "expected a JPEG\u202e, got\n6 bytes", code: "not-a-jpeg" });
    expect(state()).toMatchObject({
      refusedFrame: "expected a JPEG , got 6 bytes",
      refusedCode: "not-a-jpeg",
    });
    vi.advanceTimersByTime(6000);
    expect(state().refusedFrame).toBeNull();
    session.stop();
  });

  it("says what keeps the rate down: the camera, the device or the connection", async () => {
    const { network, session, state, camera, frame, onAir } = build({
      settings: { ...settings, adapt: false },
    });
    const seconds = (count: number, each: (tick: number) => void) => {
      for (let tick = 0; tick < count * 10; tick++) {
        each(tick);
        vi.advanceTimersByTime(100);
      }
    };
    await onAir();
    seconds(2, () => frame());
    expect(state().limit).toBeNull();
    seconds(5, () => frame());
    expect(state().limit).toBe("camera");
    await session.configure({ ...settings, adapt: false, fps: 10 });
    seconds(5, () => frame());
    expect(state().limit).toBeNull();
    await session.configure({ ...settings, adapt: false, fps: 15 });
    seconds(5, (tick) => (tick % 2 === 0 ? frame() : camera().handlers.onSkipped(true)));
    expect(state().limit).toBe("device");
    await session.configure({ ...settings, adapt: false, fps: 14 });
    seconds(5, (tick) => {
      network.last.bufferedAmount = tick % 2 === 0 ? 0 : 1_000_000;
      camera().handlers.onSkipped();
      frame();
    });
    expect(state().limit).toBe("uplink");
    session.stop();
    expect(state().limit).toBeNull();
  });

  it("does not end with a refusal once the server has accepted it", async () => {
    const { network, session, state, onAir } = build();
    await onAir();
    network.last.drop(1001);
    vi.advanceTimersByTime(4000);
    network.last.accept();
    network.last.text({ type: "registration-error", clientId: "door", error: "not yet" });
    network.last.drop(1008);
    expect(state()).toMatchObject({
      connection: "waiting",
      failure: { kind: "sent-away", reason: "not yet" },
    });
    vi.advanceTimersByTime(4000);
    network.last.accept();
    network.last.text({ type: "registration-success", clientId: "door" });
    expect(state()).toMatchObject({ connection: "on-air", failure: null });
    session.stop();
  });

  it("finds out by plain HTTP why there is no connection", async () => {
    const answers = [
      () => Promise.resolve(new Response("", { status: 401 })),
      () => Promise.reject(new TypeError("down")),
    ];
    const { network, session, state } = build({ fetch: () => (answers.shift() ?? fail)() });
    const fail = () => Promise.reject(new TypeError("down"));
    await session.start();
    network.last.drop(1006);
    await vi.advanceTimersByTimeAsync(0);
    expect(state().failure).toEqual({ kind: "http-refused", status: 401 });
    await vi.advanceTimersByTimeAsync(4000);
    network.last.drop(1006);
    await vi.advanceTimersByTimeAsync(0);
    expect(state().failure).toMatchObject({ kind: "server-gone" });
    session.stop();
  });

  it("shows that an address is invalid", async () => {
    const { session, state } = build({ server: "ftp://host" });
    await session.start();
    expect(state()).toMatchObject({ camera: "off", failure: { kind: "bad-address" } });
  });

  it("applies rate and quality without interruption", async () => {
    const { network, session, camera, cameras, onAir } = build();
    await onAir();
    await session.configure({ ...settings, fps: 30, quality: 0.4 });
    expect(camera().configure).toHaveBeenCalledWith(expect.objectContaining({ fps: 30, quality: 0.4 }));
    expect(cameras).toHaveLength(1);
    expect(network.sockets).toHaveLength(1);
    session.stop();
  });

  it("opens another camera, or the same one for a higher resolution, on the same connection", async () => {
    const { network, session, cameras, onAir } = build();
    await onAir();
    await session.configure({ ...settings, facing: "user" });
    await session.configure({ ...settings, facing: "user", width: 1920 });
    expect(cameras).toHaveLength(3);
    expect(cameras[0]?.stop).toHaveBeenCalled();
    expect(cameras[2]?.opened).toMatchObject({ facing: "user", width: 1920 });
    expect(cameras[2]?.held).toBe(false);
    expect(network.sockets).toHaveLength(1);
    session.stop();
  });

  it("registers again for another id or label", async () => {
    const { network, session, state, onAir } = build();
    await onAir();
    await session.configure({ ...settings, cameraId: "gate" });
    network.last.accept();
    expect(network.last.sentMessages("client-registration")).toMatchObject([{ clientId: "gate" }]);
    network.last.drop(4001);
    await session.configure({ ...settings, cameraId: "yard" });
    network.last.accept();
    expect(network.last.sentMessages("client-registration")).toMatchObject([{ clientId: "yard" }]);
    expect(state().settings.cameraId).toBe("yard");
    session.stop();
  });

  it("sends the time of capture by the server's clock, as soon as that is known", async () => {
    const { network, session, camera, onAir, answer } = build();
    await onAir();
    const send = (takenAt: number) =>
      camera().handlers.onFrame({ jpeg: JPEG.slice().buffer, takenAt, width: 4, height: 2 });
    send(1000);
    expect(network.last.sent.at(-1)).toBeInstanceOf(ArrayBuffer);
    answer(500);
    send(2000.04);
    const [envelope, question] = network.last.sent.slice(-2);
    const bytes = new Uint8Array(envelope as ArrayBuffer);
    const end = 2 + (bytes[0] ?? 0) * 256 + (bytes[1] ?? 0);
    expect(new TextDecoder().decode(bytes.subarray(2, end))).toBe('{"capturedAt":2500}');
    expect([...bytes.subarray(end)]).toEqual([...JPEG]);
    expect(JSON.parse(question as string)).toMatchObject({ type: "clock" });
    // The new connection may be to another server, which has to answer first.
    network.last.drop(1006);
    vi.advanceTimersByTime(5000);
    network.last.accept();
    network.last.text({ type: "registration-success", clientId: "door" });
    send(3000);
    expect(network.last.sent.at(-1)).toBeInstanceOf(ArrayBuffer);
    session.stop();
  });

  it("has at most two frames on the way to the server", async () => {
    const { session, camera, frame, onAir, answer, state } = build();
    await onAir();
    answer();
    frame();
    vi.advanceTimersByTime(10);
    frame();
    expect(camera().held).toBe(true);
    frame();
    vi.advanceTimersByTime(10);
    answer();
    expect(camera().held).toBe(false);
    vi.advanceTimersByTime(500);
    expect(state().stats).toMatchObject({ sent: 2, dropped: 1 });
    session.stop();
  });

  it("sends no more than is needed, until that is switched off", async () => {
    const { network, session, camera, onAir, state } = build();
    await onAir();
    expect(state().demand).toBeNull();
    network.last.text({ type: "demand", viewers: 0, maxFps: 0.2, maxWidth: null, quality: null });
    expect(camera().configure).toHaveBeenLastCalledWith({ fps: 0.2, width: 1280, quality: 0.7 });
    network.last.text({ type: "demand", viewers: 3, maxFps: 12, maxWidth: 640, quality: 0.9 });
    expect(camera().configure).toHaveBeenLastCalledWith({ fps: 12, width: 640, quality: 0.7 });
    expect(state()).toMatchObject({
      demand: { viewers: 3 },
      sending: { fps: 12, width: 640 },
      narrow: false,
    });
    const calls = camera().configure.mock.calls.length;
    network.last.text({ type: "demand", viewers: 4, maxFps: 12, maxWidth: 640, quality: 0.9 });
    expect(camera().configure.mock.calls.length).toBe(calls);
    expect(camera().setRate).not.toHaveBeenCalled();
    await session.configure({ ...settings, demand: false });
    expect(state().sending).toEqual({ fps: 15, width: 1280, quality: 0.7 });
    await session.configure({ ...settings, demand: true, fps: 5 });
    expect(state().sending).toEqual({ fps: 5, width: 640, quality: 0.7 });
    expect(camera().setRate).toHaveBeenLastCalledWith(5);
    session.stop();
    expect(state()).toMatchObject({ demand: null, sending: { fps: 5, width: 1280 } });
  });

  it("forgets the demand of the previous connection", async () => {
    const { network, session, camera, onAir, state } = build();
    await onAir();
    network.last.text({ type: "demand", viewers: 0, maxFps: 0.2 });
    network.last.drop(1006);
    vi.advanceTimersByTime(5000);
    network.last.accept();
    expect(state().demand).not.toBeNull();
    network.last.text({ type: "registration-success", clientId: "door" });
    expect(state().demand).toBeNull();
    expect(camera().configure).toHaveBeenLastCalledWith({ fps: 15, width: 1280, quality: 0.7 });
    session.stop();
  });

  it("limits a camera that is opened again to the demand too", async () => {
    const { network, session, camera, cameras, onAir } = build();
    await onAir();
    network.last.text({ type: "demand", viewers: 1, maxFps: 2, maxWidth: 320, quality: 0.5 });
    await session.configure({ ...settings, facing: "user" });
    expect(cameras).toHaveLength(2);
    expect(camera().configure).toHaveBeenLastCalledWith({ fps: 2, width: 320, quality: 0.5 });
    session.stop();
  });

  it("lowers the quality when the link is slow, shows that, and can be told not to", async () => {
    const { session, camera, frame, onAir, answer, state } = build();
    await onAir();
    answer();
    const struggle = () => {
      for (let i = 0; i < 60; i++) {
        frame();
        if (i % 8 === 0) answer();
        vi.advanceTimersByTime(66);
      }
    };
    struggle();
    expect(state().narrow).toBe(true);
    expect(state().sending.quality).toBeLessThan(0.7);
    expect(camera().configure).toHaveBeenLastCalledWith(state().sending);
    await session.configure({ ...settings, adapt: false });
    expect(state()).toMatchObject({ narrow: false, sending: { quality: 0.7 } });
    struggle();
    expect(state().narrow).toBe(false);
    session.stop();
  });

  it("waits for no receipts from a server that does not answer clock messages", async () => {
    const { network, session, camera, frame, onAir } = build();
    await onAir();
    const asked = network.last.sentMessages("clock").length;
    for (let i = 0; i < 10; i++) frame();
    expect(camera().held).toBe(false);
    expect(network.last.sentMessages("clock")).toHaveLength(asked);
    session.stop();
  });

  it("keeps settings while it is off", async () => {
    const { network, session, state } = build();
    await session.configure({ ...settings, cameraId: "gate", fps: 3 });
    expect(state().settings).toMatchObject({ cameraId: "gate", fps: 3 });
    expect(network.sockets).toHaveLength(0);
  });
});

describe("a preview", () => {
  it("shows the camera and sends nothing until the camera goes live", async () => {
    const { network, session, state, camera } = build();
    await session.preview();
    expect(state()).toMatchObject({ camera: "on", connection: "off", live: false });
    expect(camera().held).toBe(true);
    vi.advanceTimersByTime(60_000);
    expect(state()).toMatchObject({ camera: "on", failure: null });
    expect(network.sockets).toHaveLength(0);
    await session.start();
    expect(state()).toMatchObject({ camera: "on", connection: "connecting", live: true });
    expect(network.sockets).toHaveLength(1);
    session.stop();
    expect(state()).toMatchObject({ camera: "off", live: false });
  });

  it("stays one when another camera or another name is chosen", async () => {
    const { network, session, state, cameras } = build();
    await session.preview();
    await session.configure({ ...settings, facing: "user", cameraId: "gate", name: "Gate" });
    expect(cameras).toHaveLength(2);
    expect(state()).toMatchObject({ camera: "on", connection: "off", live: false });
    expect(network.sockets).toHaveLength(0);
    session.stop();
  });

  it("goes live with the next camera if another one is being opened", async () => {
    const { network, session, state } = build();
    await session.preview();
    const opening = session.configure({ ...settings, facing: "user" });
    const starting = session.start();
    expect(network.sockets).toHaveLength(0);
    await Promise.all([opening, starting]);
    expect(network.sockets).toHaveLength(1);
    expect(state()).toMatchObject({ camera: "on", live: true });
    session.stop();
  });

  it("waits for a camera that is unplugged, and stays a preview", async () => {
    const { session, state, camera, cameras, network } = build({ random: () => 0.5 });
    await session.preview();
    camera().handlers.onFailure({ kind: "camera-lost" });
    expect(state().camera).toBe("waiting");
    await vi.advanceTimersByTimeAsync(1000);
    expect(cameras).toHaveLength(2);
    expect(state()).toMatchObject({ camera: "on", live: false });
    expect(network.sockets).toHaveLength(0);
    session.stop();
  });

  it("stays a preview when the person allows the camera later", async () => {
    let allowed = false;
    let signal: ((signal: CameraSignal) => void) | undefined;
    const cameras: ReturnType<typeof build>["cameras"] = [];
    const open = opener(cameras);
    const { session, state, network } = build({
      openCamera: (opened, handlers) =>
        allowed ? open(opened, handlers) : Promise.reject(new DOMException("", "NotAllowedError")),
      watchCameras: (listener) => {
        signal = listener;
        return () => undefined;
      },
    });
    await session.preview();
    expect(state()).toMatchObject({ camera: "off", failure: { kind: "permission-denied" } });
    allowed = true;
    signal?.("allowed");
    await vi.advanceTimersByTimeAsync(0);
    expect(state()).toMatchObject({ camera: "on", live: false });
    expect(network.sockets).toHaveLength(0);
    session.stop();
  });
});

describe("a live session", () => {
  it("tells when it connects again, and does so at once on request", async () => {
    const { network, session, state, onAir } = build();
    await onAir();
    expect(state().retryAt).toBeNull();
    network.last.drop(1006);
    expect(state().connection).toBe("waiting");
    expect(state().retryAt).toBeGreaterThanOrEqual(Date.now());
    session.retryConnection();
    expect(network.sockets).toHaveLength(2);
    expect(state()).toMatchObject({ connection: "connecting", retryAt: null });
    session.retryConnection();
    expect(network.sockets).toHaveLength(2);
    session.stop();
  });

  it("sums up what it has sent, over all connections", async () => {
    const { network, session, state, frame, onAir } = build();
    await onAir();
    frame(1000);
    network.last.drop(4001);
    session.resume();
    network.last.accept();
    network.last.text({ type: "registration-success", clientId: "door" });
    vi.advanceTimersByTime(8000);
    frame(500);
    expect(state().summary).toBeNull();
    session.stop();
    expect(state().summary).toEqual({ seconds: 8, sent: 2, bytes: 1500 });
    await onAir();
    expect(state().summary).toBeNull();
    session.stop();
    expect(state().summary).toBeNull();
  });

  it("sets the torch and the zoom, keeps them when the camera is lost, and forgets them with another camera", async () => {
    const control = vi.fn(() => Promise.resolve());
    const abilities = { torch: true, zoom: { min: 1, max: 4 } };
    const cameras: ReturnType<typeof build>["cameras"] = [];
    const open = opener(cameras);
    const { session, state } = build({
      random: () => 0.5,
      openCamera: async (opened, handlers) => ({ ...(await open(opened, handlers)), abilities, control }),
    });
    await session.preview();
    expect(state().abilities).toEqual(abilities);
    await session.control({ torch: true });
    await session.control({ zoom: 2 });
    expect(state().controls).toEqual({ torch: true, zoom: 2 });
    cameras[0]?.handlers.onFailure({ kind: "camera-lost" });
    expect(state().abilities.torch).toBe(false);
    await vi.advanceTimersByTimeAsync(1000);
    expect(control).toHaveBeenCalledTimes(3);
    expect(state().controls).toEqual({ torch: true, zoom: 2 });
    control.mockRejectedValueOnce(new Error("no"));
    await session.control({ torch: false });
    expect(state().controls.torch).toBe(true);
    await session.configure({ ...settings, facing: "user" });
    expect(control).toHaveBeenCalledTimes(4);
    expect(state().controls).toEqual({ torch: false, zoom: null });
    session.stop();
  });

  it("tells whether the screen stays on", async () => {
    let tell: ((awake: boolean) => void) | undefined;
    const { session, state, onAir } = build({
      keepAwake: (onChange) => {
        tell = onChange;
        return () => undefined;
      },
    });
    await session.preview();
    expect(tell).toBeUndefined();
    await onAir();
    tell?.(true);
    expect(state().awake).toBe(true);
    tell?.(false);
    expect(state().awake).toBe(false);
    session.stop();
  });
});
