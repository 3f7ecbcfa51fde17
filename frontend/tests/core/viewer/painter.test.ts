// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { FrameHeader } from "../../../src/core/protocol.js";
import type { FrameMark, FromPainter, ToPainter } from "../../../src/core/viewer/painter-messages.js";
import { Painter } from "../../../src/core/viewer/painter.js";
import { Surfaces } from "../../../src/core/viewer/surfaces.js";
import { JPEG } from "../../fakes.js";

class FakeWorker {
  static last: FakeWorker;
  static refuse = false;
  onmessage: ((event: { data: FromPainter }) => void) | null = null;
  readonly posted: ToPainter[] = [];
  readonly terminate = vi.fn();
  constructor() {
    if (FakeWorker.refuse) throw new DOMException("cross origin", "SecurityError");
    FakeWorker.last = this;
  }
  postMessage(message: ToPainter): void {
    this.posted.push(message);
  }
}

const header = (cameraId: string, extra: Partial<FrameHeader> = {}): FrameHeader => ({
  cameraId,
  sequence: 1,
  timestamp: 1000,
  size: JPEG.byteLength,
  ...extra,
});

const mark: FrameMark = { sequence: 1, takenAt: 900, live: true };

type FrameMessage = Extract<ToPainter, { type: "frame" }>;

/** Returns the message that brings a frame to surface 1, with some values replaced. */
function frame(change: Partial<FrameMessage> = {}): FrameMessage {
  return {
    type: "frame",
    surface: 1,
    buffer: JPEG.buffer,
    offset: 0,
    mark,
    boxes: [],
    opacity: 1,
    ...change,
  };
}
const handlers = () => ({ onPainted: vi.fn(), onDropped: vi.fn(), onUnpaintable: vi.fn() });

beforeEach(() => {
  FakeWorker.refuse = false;
  vi.stubGlobal("Worker", FakeWorker);
  vi.stubGlobal("OffscreenCanvas", class {});
  Object.defineProperty(HTMLCanvasElement.prototype, "transferControlToOffscreen", {
    configurable: true,
    value: () => ({}),
  });
});
afterEach(() => void vi.useRealTimers());

describe("a painter with a worker", () => {
  it("transfers canvas and frames to the worker, and reports what became of them", () => {
    const told = handlers();
    const painter = new Painter(told);
    expect(painter.method).toBe("in a worker");
    const surface = painter.open("a");
    expect(surface.canvas).toBeInstanceOf(HTMLCanvasElement);
    painter.show(header("a", { capturedAt: 900 }), JPEG, []);
    const { posted } = FakeWorker.last;
    expect(posted).toMatchObject([
      { type: "open", surface: 1 },
      { type: "frame", surface: 1, mark, offset: 0 },
    ]);
    const picture = { surface: 1, mark, paintedAt: 5, width: 4, height: 2 };
    FakeWorker.last.onmessage?.({ data: { type: "painted", ...picture } });
    FakeWorker.last.onmessage?.({ data: { type: "dropped", surface: 1, mark, broken: true } });
    FakeWorker.last.onmessage?.({ data: { type: "dropped", surface: 99, mark, broken: false } });
    expect(told.onPainted).toHaveBeenCalledWith("a", expect.objectContaining(picture));
    expect(told.onDropped.mock.calls).toEqual([["a", mark, true]]);
    surface.close();
    expect(told.onUnpaintable.mock.calls).toEqual([["a", mark]]);
    expect(posted.at(-1)).toEqual({ type: "close", surface: 1 });
    painter.close();
    expect(FakeWorker.last.terminate).toHaveBeenCalled();
  });

  it("trusts the arrival of a frame more than a capture time that cannot be true", () => {
    const painter = new Painter(handlers());
    painter.open("a");
    const takenAt = (capturedAt: number) => {
      painter.show(header("a", { timestamp: 100_000, capturedAt }), JPEG, []);
      const posted = FakeWorker.last.posted.at(-1);
      return posted?.type === "frame" ? posted.mark.takenAt : null;
    };
    expect([99_900, 40_000, 39_000, 100_500].map(takenAt)).toEqual([99_900, 40_000, 100_000, 100_000]);
  });

  it("keeps the newest frame of a camera until its surface is opened", () => {
    const told = handlers();
    const painter = new Painter(told);
    painter.show(header("a", { timestamp: 1 }), JPEG, []);
    painter.show(header("a", { timestamp: 2 }), JPEG, []);
    expect(told.onUnpaintable).toHaveBeenCalledTimes(2);
    painter.open("a");
    expect(FakeWorker.last.posted).toMatchObject([{ type: "open" }, { type: "frame", mark: { takenAt: 2 } }]);
  });

  it("keeps a camera's later surface when the earlier one is closed", () => {
    const painter = new Painter(handlers());
    const first = painter.open("a");
    painter.open("a");
    first.close();
    painter.show(header("a"), JPEG, []);
    expect(FakeWorker.last.posted.at(-1)).toMatchObject({ type: "frame", surface: 2 });
  });

  it("returns a snapshot, or null if the worker does not answer", async () => {
    vi.useFakeTimers();
    const painter = new Painter(handlers());
    const surface = painter.open("a");
    const answered = surface.snapshot();
    const request = FakeWorker.last.posted.at(-1);
    const jpeg = new Blob(["jpeg"]);
    if (request?.type === "snapshot") {
      FakeWorker.last.onmessage?.({
        data: { type: "snapshot", request: request.request, picture: { jpeg, mark } },
      });
    }
    await expect(answered).resolves.toBe(jpeg);
    const silent = surface.snapshot();
    await vi.advanceTimersByTimeAsync(3000);
    await expect(silent).resolves.toBeNull();
    const cut = surface.snapshot();
    painter.close();
    await expect(cut).resolves.toBeNull();
  });
});

describe("a painter without a worker", () => {
  it.each([
    ["may not be started", () => (FakeWorker.refuse = true)],
    ["is unknown", () => vi.stubGlobal("Worker", undefined)],
    ["cannot paint", () => Reflect.deleteProperty(HTMLCanvasElement.prototype, "transferControlToOffscreen")],
  ])("paints on the page where one %s", async (_, prepare) => {
    prepare();
    const transferFromImageBitmap = vi.fn();
    vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue({ transferFromImageBitmap } as never);
    vi.stubGlobal("createImageBitmap", () => Promise.resolve({ width: 4, height: 2, close: vi.fn() }));
    const onPainted = vi.fn();
    const painter = new Painter({ ...handlers(), onPainted });
    expect(painter.method).toBe("on the page");
    const surface = painter.open("a");
    painter.show(header("a"), JPEG, []);
    await vi.waitFor(() =>
      expect(onPainted).toHaveBeenCalledWith(
        "a",
        expect.objectContaining({ width: 4, mark: { sequence: 1, takenAt: 1000, live: true } }),
      ),
    );
    expect(surface.canvas.width).toBe(4);
    await expect(surface.snapshot()).resolves.toBeInstanceOf(Blob);
    painter.close();
    surface.close();
  });
});

describe("surfaces", () => {
  it("ignore frames for an unknown surface, and have no snapshot of it", () => {
    const reports: FromPainter[] = [];
    const surfaces = new Surfaces((message) => reports.push(message));
    surfaces.handle(frame({ surface: 7 }));
    surfaces.handle({ type: "close", surface: 7 });
    surfaces.handle({ type: "snapshot", surface: 7, request: 1 });
    expect(reports).toEqual([{ type: "snapshot", request: 1, picture: null }]);
  });

  it("paint all cameras in one animation frame, or in one task without animation frames", async () => {
    const request = vi.fn();
    vi.stubGlobal("requestAnimationFrame", request);
    vi.stubGlobal("createImageBitmap", () => Promise.resolve({ width: 4, height: 2, close: vi.fn() }));
    const reports: FromPainter[] = [];
    const surfaces = new Surfaces((message) => reports.push(message));
    const canvas = { width: 4, height: 2, getContext: () => ({ transferFromImageBitmap: vi.fn() }) };
    const offer = (surface: number) => surfaces.handle(frame({ surface }));
    for (const surface of [1, 2]) {
      surfaces.handle({ type: "open", surface, canvas: canvas as never });
      offer(surface);
    }
    await vi.waitFor(() => expect(request).toHaveBeenCalledTimes(1));
    (request.mock.calls[0]?.[0] as () => void)();
    expect(reports.map(({ type }) => type)).toEqual(["painted", "painted"]);
    vi.stubGlobal("requestAnimationFrame", undefined);
    offer(1);
    await vi.waitFor(() => expect(reports).toHaveLength(3));
  });

  const box = { x: 1, y: 2, width: 3, height: 4 };
  const canvas2d = () => ({
    drawImage: vi.fn(),
    strokeRect: vi.fn(),
    fillRect: vi.fn(),
    fillText: vi.fn(),
    measureText: () => ({ width: 10 }),
  });

  it("draw boxes on the painted frame in a worker", async () => {
    const context = canvas2d();
    const reports: FromPainter[] = [];
    const bitmap = { width: 40, height: 20, close: vi.fn() };
    const composed = { width: 40, height: 20, close: vi.fn() };
    vi.stubGlobal("requestAnimationFrame", undefined);
    vi.stubGlobal("createImageBitmap", () => Promise.resolve(bitmap));
    vi.stubGlobal(
      "OffscreenCanvas",
      class {
        constructor(
          public width: number,
          public height: number,
        ) {}
        getContext = () => context;
        transferToImageBitmap = () => composed;
      },
    );
    const transferFromImageBitmap = vi.fn();
    const surfaces = new Surfaces((message) => reports.push(message));
    const canvas = { width: 0, height: 0, getContext: () => ({ transferFromImageBitmap }) };
    surfaces.handle({ type: "open", surface: 1, canvas: canvas as never });
    surfaces.handle(frame({ boxes: [box] }));
    await vi.waitFor(() => expect(transferFromImageBitmap).toHaveBeenCalledWith(composed));
    expect(context.drawImage).toHaveBeenCalledWith(bitmap, 0, 0, 40, 20);
    expect(context.strokeRect).toHaveBeenCalledWith(1, 2, 3, 4);
    expect(bitmap.close).toHaveBeenCalled();
    expect(reports.at(-1)).toMatchObject({ width: 40, height: 20 });
    // Shown 100 pixels wide on a screen with two device pixels for each pixel of the page.
    surfaces.handle({ type: "size", surface: 1, size: { width: 100, height: 100, ratio: 2 } });
    surfaces.handle({ type: "size", surface: 9, size: { width: 100, height: 100, ratio: 2 } });
    surfaces.handle(frame({ boxes: [box] }));
    await vi.waitFor(() => expect(context.strokeRect).toHaveBeenLastCalledWith(5, 10, 15, 20));
    await vi.waitFor(() => expect(reports).toHaveLength(2));
    expect(reports.at(-1)).toMatchObject({ width: 40, height: 20 });
  });

  it("draw boxes on the page too, and paint without them if there is no 2D context", async () => {
    vi.stubGlobal("requestAnimationFrame", undefined);
    vi.stubGlobal("OffscreenCanvas", undefined);
    const bitmap = { width: 40, height: 20, close: vi.fn() };
    const composed = { width: 40, height: 20, close: vi.fn() };
    vi.stubGlobal("createImageBitmap", (source: unknown) =>
      Promise.resolve(source instanceof HTMLCanvasElement ? composed : bitmap),
    );
    const transferFromImageBitmap = vi.fn();
    const surfaces = new Surfaces(() => undefined);
    const canvas = { width: 0, height: 0, getContext: () => ({ transferFromImageBitmap }) };
    surfaces.handle({ type: "open", surface: 1, canvas: canvas as never });
    const getContext = vi.spyOn(HTMLCanvasElement.prototype, "getContext");
    const boxed = frame({ boxes: [box] });
    for (const [context, painted] of [
      [canvas2d(), composed],
      [null, bitmap],
    ] as const) {
      getContext.mockReturnValue(context as never);
      surfaces.handle(boxed);
      await vi.waitFor(() => expect(transferFromImageBitmap).toHaveBeenLastCalledWith(painted));
    }
  });

  it("have a picture of what is on the screen, not of a frame that waits", async () => {
    const repaints: (() => void)[] = [];
    vi.stubGlobal("requestAnimationFrame", (callback: () => void) => repaints.push(callback));
    vi.stubGlobal("createImageBitmap", () => Promise.resolve({ width: 4, height: 2, close: vi.fn() }));
    const reports: FromPainter[] = [];
    const surfaces = new Surfaces((message) => reports.push(message));
    surfaces.handle({ type: "open", surface: 1, canvas: { getContext: () => null } as never });
    const sequence = () => {
      surfaces.handle({ type: "snapshot", surface: 1, request: 1 });
      const report = reports.pop();
      return report?.type === "snapshot" ? report.picture?.mark.sequence : null;
    };
    const offer = (number: number) => surfaces.handle(frame({ mark: { ...mark, sequence: number } }));
    offer(1);
    expect(sequence()).toBe(1);
    await vi.waitFor(() => expect(repaints).toHaveLength(1));
    repaints[0]?.();
    offer(2);
    expect(sequence()).toBe(1);
    await vi.waitFor(() => expect(repaints).toHaveLength(2));
    repaints[1]?.();
    expect(sequence()).toBe(2);
  });

  it("report a frame that cannot be decoded as broken", async () => {
    vi.stubGlobal("createImageBitmap", () => Promise.reject(new Error("no picture")));
    const reports: FromPainter[] = [];
    const surfaces = new Surfaces((message) => reports.push(message));
    surfaces.handle({ type: "open", surface: 1, canvas: { getContext: () => null } as never });
    surfaces.handle(frame());
    await vi.waitFor(() => expect(reports).toEqual([{ type: "dropped", surface: 1, mark, broken: true }]));
  });

  it("run in the worker", async () => {
    const posted: FromPainter[] = [];
    const scope = { onmessage: null as ((event: { data: ToPainter }) => void) | null };
    vi.stubGlobal(
      "self",
      Object.assign(scope, { postMessage: (message: FromPainter) => posted.push(message) }),
    );
    await import("../../../src/core/viewer/paint.worker.js");
    scope.onmessage?.({ data: { type: "snapshot", surface: 1, request: 5 } });
    expect(posted).toEqual([{ type: "snapshot", request: 5, picture: null }]);
  });
});
