// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  cameraUnavailable,
  listCameras,
  openBrowserCamera,
  watchCameras,
} from "../../../src/core/capture/camera.js";
import { NO_ABILITIES, readAbilities, zoomSteps } from "../../../src/core/capture/camera-controls.js";
import type { FromEncoder, ToEncoder } from "../../../src/core/capture/encoder-messages.js";
import { DEFAULTS, type CaptureSettings } from "../../../src/core/capture/settings.js";
import { keepAwake } from "../../../src/core/capture/wake-lock.js";

const settings: CaptureSettings = { ...DEFAULTS, cameraId: "a", fps: 10, width: 640 };

class FakeTrack extends EventTarget {
  readonly label = "Fake camera";
  readonly stop = vi.fn();
  readonly applyConstraints = vi.fn(() => Promise.reject(new Error("no")));
  readonly getConstraints = () => ({ width: 640 });
  readonly copy: { stop: () => void } = { stop: vi.fn() };
  readonly clone = vi.fn(() => this.copy);
}

/** A worker that the test plays. */
class FakeWorker {
  static last: FakeWorker;
  static refuse = false;
  /** postMessage fails to transfer this. */
  static untransferable: unknown = undefined;
  onmessage: ((event: { data: FromEncoder }) => void) | null = null;
  onerror: ((event: { preventDefault: () => void }) => void) | null = null;
  readonly posted: ToEncoder[] = [];
  readonly terminate = vi.fn();
  constructor() {
    if (FakeWorker.refuse) throw new DOMException("cross origin", "SecurityError");
    FakeWorker.last = this;
  }
  postMessage(message: ToEncoder, transfer: unknown[] = []): void {
    if (transfer.some((item) => item === FakeWorker.untransferable))
      throw new DOMException("", "DataCloneError");
    this.posted.push(message);
  }
  say(data: FromEncoder): void {
    this.onmessage?.({ data });
  }
}

let track: FakeTrack;
let devices: EventTarget & Record<string, ReturnType<typeof vi.fn>>;

beforeEach(() => {
  track = new FakeTrack();
  FakeWorker.refuse = false;
  FakeWorker.untransferable = undefined;
  devices = Object.assign(new EventTarget(), {
    getUserMedia: vi.fn(() => Promise.resolve({ getVideoTracks: () => [track] })),
    enumerateDevices: vi.fn(() =>
      Promise.resolve([
        { kind: "audioinput", deviceId: "m", label: "Mic" },
        { kind: "videoinput", deviceId: "1", label: "Webcam" },
        { kind: "videoinput", deviceId: "2", label: "" },
        { kind: "videoinput", deviceId: "", label: "" },
      ]),
    ),
  }) as never;
  vi.stubGlobal("isSecureContext", true);
  vi.stubGlobal("navigator", { mediaDevices: devices });
  vi.stubGlobal("Worker", FakeWorker);
  vi.stubGlobal("OffscreenCanvas", class {});
  vi.spyOn(HTMLVideoElement.prototype, "play").mockResolvedValue();
  setVideo({ readyState: 0, videoWidth: 0, videoHeight: 0 });
  Object.defineProperty(HTMLVideoElement.prototype, "srcObject", {
    configurable: true,
    writable: true,
    value: null,
  });
});
afterEach(() => void vi.useRealTimers());

function handlers() {
  return { onFrame: vi.fn(), onSkipped: vi.fn(), onFailure: vi.fn() };
}

/** Sets the state of all video elements. */
function setVideo(picture: { readyState: number; videoWidth: number; videoHeight: number }): void {
  for (const [name, value] of Object.entries(picture)) {
    Object.defineProperty(HTMLVideoElement.prototype, name, { configurable: true, value });
  }
}

function showVideo(): void {
  setVideo({ readyState: 4, videoWidth: 640, videoHeight: 480 });
}

describe("the browser's camera", () => {
  it("is chosen by its facing, or exactly by its id", async () => {
    (await openBrowserCamera(settings, handlers())).stop();
    expect(devices.getUserMedia).toHaveBeenLastCalledWith({
      audio: false,
      video: {
        width: { ideal: 640 },
        height: { ideal: 480 },
        frameRate: { ideal: 10 },
        facingMode: { ideal: "environment" },
      },
    });
    (await openBrowserCamera({ ...settings, deviceId: "1", width: 1920 }, handlers())).stop();
    expect(devices.getUserMedia).toHaveBeenLastCalledWith({
      audio: false,
      video: {
        width: { ideal: 1920 },
        height: { ideal: 1080 },
        frameRate: { ideal: 10 },
        deviceId: { exact: "1" },
      },
    });
    expect(track.stop).toHaveBeenCalledTimes(2);
  });

  it("is another one if the camera of last time is not connected", async () => {
    devices.getUserMedia?.mockRejectedValueOnce(new DOMException("", "OverconstrainedError"));
    (await openBrowserCamera({ ...settings, deviceId: "gone" }, handlers())).stop();
    expect(devices.getUserMedia).toHaveBeenCalledTimes(2);
    devices.getUserMedia?.mockRejectedValueOnce(new DOMException("", "NotFoundError"));
    await expect(openBrowserCamera(settings, handlers())).rejects.toEqual({ kind: "no-camera" });
  });

  it("reports that it was disconnected", async () => {
    const given = handlers();
    const camera = await openBrowserCamera(settings, given);
    expect(camera.label).toBe("Fake camera");
    track.dispatchEvent(new Event("ended"));
    expect(given.onFailure).toHaveBeenCalledWith({ kind: "camera-lost" });
  });

  it("reports why it cannot be used", async () => {
    devices.getUserMedia?.mockRejectedValueOnce(new DOMException("", "NotReadableError"));
    await expect(openBrowserCamera(settings, handlers())).rejects.toEqual({ kind: "camera-in-use" });
    devices.getUserMedia?.mockResolvedValueOnce({ getVideoTracks: () => [] });
    await expect(openBrowserCamera(settings, handlers())).rejects.toEqual({ kind: "no-camera" });
    vi.stubGlobal(
      "MediaStreamTrackProcessor",
      class {
        constructor() {
          throw new TypeError("no frames");
        }
      },
    );
    await expect(openBrowserCamera(settings, handlers())).rejects.toMatchObject({ kind: "camera-failed" });
    expect(track.stop).toHaveBeenCalled();
    vi.stubGlobal("navigator", {});
    await expect(openBrowserCamera(settings, handlers())).rejects.toEqual({ kind: "unsupported" });
    vi.stubGlobal("isSecureContext", false);
    expect(cameraUnavailable()).toMatchObject({ kind: "insecure-context" });
    await expect(listCameras()).resolves.toEqual([]);
    expect(() => watchCameras(vi.fn())()).not.toThrow();
  });

  it("is in the list of cameras, whose changes are reported", async () => {
    await expect(listCameras()).resolves.toEqual([
      { deviceId: "1", label: "Webcam" },
      { deviceId: "2", label: "Camera 2" },
    ]);
    const listener = vi.fn();
    const unwatch = watchCameras(listener);
    devices.dispatchEvent(new Event("devicechange"));
    unwatch();
    devices.dispatchEvent(new Event("devicechange"));
    expect(listener).toHaveBeenCalledTimes(1);
  });
});

describe("encoding", () => {
  it("transfers the camera's frames to the worker if the page can read them", async () => {
    const readable = {};
    vi.stubGlobal(
      "MediaStreamTrackProcessor",
      class {
        readable = readable;
      },
    );
    const given = handlers();
    const camera = await openBrowserCamera(settings, given);
    expect(FakeWorker.last.posted[0]).toEqual({
      type: "start",
      source: { kind: "frames", readable },
      settings,
    });
    const frame = { jpeg: new ArrayBuffer(3), takenAt: 7, width: 4, height: 2 };
    FakeWorker.last.say({ type: "frame", ...frame });
    FakeWorker.last.say({ type: "skipped" });
    expect(given.onFrame).toHaveBeenCalledWith(expect.objectContaining(frame));
    expect(given.onSkipped).toHaveBeenCalledTimes(1);
    camera.hold(true);
    camera.configure({ ...settings, fps: 5 });
    expect(track.applyConstraints).not.toHaveBeenCalled();
    camera.setRate(5);
    expect(FakeWorker.last.posted.slice(1)).toMatchObject([
      { type: "hold", held: true },
      { type: "configure", settings: { fps: 5 } },
    ]);
    expect(track.applyConstraints).toHaveBeenCalledWith({ width: 640, frameRate: { ideal: 5 } });
    vi.useFakeTimers();
    camera.stop();
    // The worker first closes the frames that it has.
    expect(FakeWorker.last.posted.at(-1)).toEqual({ type: "stop" });
    expect(FakeWorker.last.terminate).not.toHaveBeenCalled();
    vi.advanceTimersByTime(500);
    expect(FakeWorker.last.terminate).toHaveBeenCalled();
    vi.useRealTimers();
  });

  it("transfers a copy of the track to the worker if only the worker can read it", async () => {
    const camera = await openBrowserCamera(settings, handlers());
    expect(FakeWorker.last.posted[0]).toMatchObject({ source: { kind: "track", track: track.copy } });
    expect(camera.method).toContain("track");
    camera.stop();
    expect(track.copy.stop).toHaveBeenCalled();
  });

  it("takes bitmaps from a video element if tracks cannot be transferred", async () => {
    FakeWorker.untransferable = track.copy;
    const bitmap = { close: vi.fn() };
    vi.stubGlobal("createImageBitmap", vi.fn().mockResolvedValue(bitmap));
    const camera = await openBrowserCamera(settings, handlers());
    expect(camera.method).toContain("video element");
    FakeWorker.last.say({ type: "tick" });
    expect(FakeWorker.last.posted).toHaveLength(1);
    showVideo();
    FakeWorker.last.say({ type: "tick" });
    FakeWorker.last.say({ type: "tick" });
    await vi.waitFor(() => expect(FakeWorker.last.posted).toHaveLength(2));
    expect(FakeWorker.last.posted[1]).toMatchObject({ type: "bitmap", bitmap });
    camera.stop();
  });

  it("takes bitmaps in the wanted size where the browser can do that", async () => {
    FakeWorker.untransferable = track.copy;
    const bitmap = { close: vi.fn() };
    const take = vi.fn((_video: unknown, options?: object) =>
      options ? Promise.reject(new TypeError("no options")) : Promise.resolve(bitmap),
    );
    vi.stubGlobal("createImageBitmap", take);
    showVideo();
    const camera = await openBrowserCamera({ ...settings, width: 320 }, handlers());
    for (const posted of [2, 3]) {
      FakeWorker.last.say({ type: "tick" });
      await vi.waitFor(() => expect(FakeWorker.last.posted).toHaveLength(posted));
    }
    const options = take.mock.calls.map((call) => call[1]);
    expect(options).toEqual([{ resizeWidth: 320, resizeHeight: 240 }, undefined, undefined]);
    camera.stop();
  });

  it("knows when a bitmap was captured, if the browser reports that", async () => {
    FakeWorker.untransferable = track.copy;
    vi.stubGlobal("createImageBitmap", vi.fn().mockResolvedValue({ close: vi.fn() }));
    let told: ((now: number, metadata: { captureTime?: number }) => void) | undefined;
    Object.defineProperty(HTMLVideoElement.prototype, "requestVideoFrameCallback", {
      configurable: true,
      value: (callback: typeof told) => (told = callback),
    });
    showVideo();
    const camera = await openBrowserCamera(settings, handlers());
    const grabbed = async (captureTime?: number): Promise<number> => {
      const before = FakeWorker.last.posted.length;
      told?.(performance.now(), captureTime === undefined ? {} : { captureTime });
      FakeWorker.last.say({ type: "tick" });
      await vi.waitFor(() => expect(FakeWorker.last.posted).toHaveLength(before + 1));
      const posted = FakeWorker.last.posted.at(-1);
      return posted?.type === "bitmap" ? posted.at - performance.timeOrigin : NaN;
    };
    const at = performance.now() - 100;
    expect(await grabbed(performance.now() - 900)).toBeGreaterThan(at + 90);
    expect(await grabbed(at)).toBeCloseTo(at, 0);
    expect(await grabbed(performance.now() + 5000)).toBeLessThanOrEqual(performance.now());
    camera.stop();
    Reflect.deleteProperty(HTMLVideoElement.prototype, "requestVideoFrameCallback");
  });

  it("takes bitmaps too if the worker reports that it cannot read the track", async () => {
    const camera = await openBrowserCamera(settings, handlers());
    FakeWorker.last.say({ type: "no-processor" });
    expect(track.copy.stop).toHaveBeenCalled();
    expect(FakeWorker.last.posted.at(-1)).toMatchObject({ source: { kind: "bitmaps" } });
    camera.stop();
  });

  it("continues on the page if the worker fails or is forbidden", async () => {
    vi.useFakeTimers();
    showVideo();
    const drawImage = vi.fn();
    vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue({ drawImage } as never);
    vi.spyOn(HTMLCanvasElement.prototype, "toBlob").mockImplementation((done) => done(new Blob(["jpeg"])));
    const broken = handlers();
    const camera = await openBrowserCamera(settings, broken);
    camera.hold(true);
    const preventDefault = vi.fn();
    FakeWorker.last.onerror?.({ preventDefault });
    FakeWorker.last.onerror?.({ preventDefault });
    await vi.advanceTimersByTimeAsync(300);
    expect(broken.onFrame).not.toHaveBeenCalled();
    expect(broken.onSkipped).toHaveBeenCalled();
    camera.hold(false);
    camera.configure({ ...settings, fps: 20 });
    await vi.advanceTimersByTimeAsync(1000);
    expect(broken.onFrame.mock.calls.length).toBeGreaterThan(15);
    expect(broken.onFrame.mock.calls[0]?.[0]).toMatchObject({ width: 640, height: 480 });
    camera.stop();

    FakeWorker.refuse = true;
    const refused = await openBrowserCamera(settings, handlers());
    expect(refused.method).toContain("on the page");
    refused.stop();
    vi.stubGlobal("Worker", undefined);
    const given = handlers();
    vi.spyOn(HTMLCanvasElement.prototype, "toBlob").mockImplementation((done) => done(null));
    const none = await openBrowserCamera(settings, given);
    await vi.advanceTimersByTimeAsync(500);
    expect(given.onSkipped).toHaveBeenCalled();
    none.stop();
  });
});

describe("the encoding worker", () => {
  async function load(): Promise<{ posted: FromEncoder[]; tell: (message: ToEncoder) => void }> {
    const posted: FromEncoder[] = [];
    const scope = { onmessage: null as ((event: { data: ToEncoder }) => void) | null };
    vi.stubGlobal(
      "self",
      Object.assign(scope, { postMessage: (message: FromEncoder) => posted.push(message) }),
    );
    vi.stubGlobal(
      "OffscreenCanvas",
      class {
        width = 2;
        height = 2;
        getContext = () => ({ drawImage: vi.fn() });
        convertToBlob = () => Promise.resolve(new Blob(["jpeg"]));
      },
    );
    vi.resetModules();
    await import("../../../src/core/capture/encoder.worker.js");
    return { posted, tell: (data) => scope.onmessage?.({ data }) };
  }

  const videoFrame = (timestamp: number) => ({
    displayWidth: 1280,
    displayHeight: 720,
    timestamp,
    close: vi.fn(),
  });

  it("encodes the frames of a stream until it ends", async () => {
    const { posted, tell } = await load();
    const frames = [videoFrame(0), videoFrame(200_000)];
    const readable = {
      getReader: () => ({ read: () => Promise.resolve({ value: frames.shift(), done: !frames.length }) }),
    };
    const [first] = frames;
    tell({ type: "start", source: { kind: "frames", readable: readable as never }, settings });
    await vi.waitFor(() => expect(posted).toHaveLength(1));
    expect(posted[0]).toMatchObject({ type: "frame", width: 640, height: 360 });
    expect(first?.close).toHaveBeenCalled();
  });

  it("reports that it cannot read a track, or reads it", async () => {
    const { posted, tell } = await load();
    tell({ type: "start", source: { kind: "track", track: track as never }, settings });
    expect(posted).toEqual([{ type: "no-processor" }]);
    const read = vi.fn().mockResolvedValue({ done: true });
    vi.stubGlobal(
      "MediaStreamTrackProcessor",
      class {
        readable = { getReader: () => ({ read }) };
      },
    );
    tell({ type: "start", source: { kind: "track", track: track as never }, settings });
    expect(read).toHaveBeenCalled();
  });

  it("asks for one bitmap at a time, at the frame rate, and for none while held", async () => {
    vi.useFakeTimers();
    const { posted, tell } = await load();
    const count = (type: string) => posted.filter((message) => message.type === type).length;
    tell({ type: "hold", held: true });
    tell({ type: "configure", settings });
    tell({ type: "start", source: { kind: "bitmaps" }, settings });
    vi.advanceTimersByTime(1000);
    expect(count("tick")).toBe(0);
    expect(count("skipped")).toBe(10);
    expect(posted.at(-1)).toEqual({ type: "skipped" });
    tell({ type: "hold", held: false });
    expect(count("tick")).toBe(1);
    const bitmap = { width: 64, height: 48, close: vi.fn() };
    tell({ type: "bitmap", bitmap: bitmap, at: 110 });
    await vi.waitFor(() =>
      expect(posted).toContainEqual(expect.objectContaining({ type: "frame", width: 64, takenAt: 110 })),
    );
    expect(bitmap.close).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(500);
    expect(count("tick")).toBe(2);
    expect(posted.at(-1)).toEqual({ type: "skipped", busy: true });
    vi.clearAllTimers();
  });
});

describe("the torch and the zoom", () => {
  const phone = Object.assign(new FakeTrack(), {
    getCapabilities: () => ({ torch: true, zoom: { min: 0.5, max: 8, step: 0.1 } }),
    applyConstraints: vi.fn(() => Promise.resolve()),
  });

  it("are set together with the size, where the device has them", async () => {
    expect(readAbilities(phone)).toEqual({ torch: true, zoom: { min: 0.5, max: 8 } });
    expect(readAbilities({ getCapabilities: () => ({ torch: [false, true] }) }).torch).toBe(true);
    expect(readAbilities({})).toEqual(NO_ABILITIES);
    devices.getUserMedia = vi.fn(() => Promise.resolve({ getVideoTracks: () => [phone] }));
    const camera = await openBrowserCamera(settings, handlers());
    await camera.control?.({ torch: true, zoom: 2 });
    expect(phone.applyConstraints).toHaveBeenLastCalledWith({
      width: 640,
      advanced: [{ torch: true, zoom: 2 }],
    });
    camera.stop();
  });

  it("offers the zooms that the device can reach", () => {
    const steps = (min: number, max: number) =>
      zoomSteps({ torch: false, zoom: { min, max } }).map(({ text, value }) => [text, value]);
    expect(steps(0.5, 3)).toEqual([
      [".5×", 0.5],
      ["1×", 1],
      ["2×", 2],
    ]);
    expect(steps(100, 500)).toEqual([
      ["1×", 100],
      ["2×", 200],
      ["5×", 500],
    ]);
    expect(steps(1, 1.5)).toEqual([]);
    expect(zoomSteps(NO_ABILITIES)).toEqual([]);
  });
});

describe("the wake lock", () => {
  it("is requested again whenever the page is visible, until it is released", async () => {
    const release = vi.fn(() => Promise.resolve());
    const locks: EventTarget[] = [];
    const request = vi.fn(() => {
      const lock = Object.assign(new EventTarget(), { release });
      locks.push(lock);
      return Promise.resolve(lock);
    });
    vi.stubGlobal("navigator", { wakeLock: { request } });
    const onChange = vi.fn();
    const stop = keepAwake(onChange);
    await Promise.resolve();
    await Promise.resolve();
    locks[0]?.dispatchEvent(new Event("release"));
    expect(onChange.mock.calls).toEqual([[true], [false]]);
    document.dispatchEvent(new Event("visibilitychange"));
    await Promise.resolve();
    expect(request).toHaveBeenCalledTimes(2);
    stop();
    document.dispatchEvent(new Event("visibilitychange"));
    expect(request).toHaveBeenCalledTimes(2);
    expect(release).toHaveBeenCalled();
  });

  it("is released at once if it comes too late, and is optional", async () => {
    const release = vi.fn(() => Promise.resolve());
    vi.stubGlobal("navigator", { wakeLock: { request: () => Promise.resolve({ release }) } });
    keepAwake()();
    await Promise.resolve();
    expect(release).toHaveBeenCalled();
    vi.stubGlobal("navigator", { wakeLock: { request: () => Promise.reject(new Error("battery")) } });
    expect(() => keepAwake()()).not.toThrow();
    vi.stubGlobal("navigator", {});
    expect(() => keepAwake()()).not.toThrow();
  });
});
