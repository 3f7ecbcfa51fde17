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
  readonly said: ToPainter[] = [];
  readonly terminate = vi.fn();
  constructor() {
    if (FakeWorker.refuse) throw new DOMException("cross origin", "SecurityError");
    FakeWorker.last = this;
  }
  postMessage(message: ToPainter): void {
    this.said.push(message);
  }
}

const header = (clientId: string, extra: Partial<FrameHeader> = {}): FrameHeader => ({
  clientId,
  sequence: 1,
  timestamp: 1000,
  size: JPEG.byteLength,
  ...extra,
});

const mark: FrameMark = { sequence: 1, takenAt: 900, live: true };
const handlers = () => ({ painted: vi.fn(), dropped: vi.fn(), closed: vi.fn() });

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
  it("hands canvas and frames over, and tells what became of them", () => {
    const told = handlers();
    const painter = new Painter(told);
    expect(painter.method).toBe("in a worker");
    const surface = painter.open("a");
    expect(surface.canvas).toBeInstanceOf(HTMLCanvasElement);
    painter.show(header("a", { capturedAt: 900 }), JPEG);
    const { said } = FakeWorker.last;
    expect(said).toMatchObject([
      { type: "open", surface: 1 },
      { type: "frame", surface: 1, mark, offset: 0 },
    ]);
    const picture = { surface: 1, mark, paintedAt: 5, width: 4, height: 2 };
    FakeWorker.last.onmessage?.({ data: { type: "painted", ...picture } });
    FakeWorker.last.onmessage?.({ data: { type: "dropped", surface: 1, mark, broken: true } });
    FakeWorker.last.onmessage?.({ data: { type: "dropped", surface: 99, mark, broken: false } });
    expect(told.painted).toHaveBeenCalledWith("a", expect.objectContaining(picture));
    expect(told.dropped.mock.calls).toEqual([["a", mark, true]]);
    surface.close();
    expect(told.closed.mock.calls).toEqual([["a", mark]]);
    expect(said.at(-1)).toEqual({ type: "close", surface: 1 });
    painter.close();
    expect(FakeWorker.last.terminate).toHaveBeenCalled();
  });

  it("keeps the newest picture of a camera whose surface is yet to come", () => {
    const painter = new Painter(handlers());
    painter.show(header("a", { timestamp: 1 }), JPEG);
    painter.show(header("a", { timestamp: 2 }), JPEG);
    painter.open("a");
    expect(FakeWorker.last.said).toMatchObject([{ type: "open" }, { type: "frame", mark: { takenAt: 2 } }]);
  });

  it("leaves a camera's later surface alone when the earlier one closes", () => {
    const painter = new Painter(handlers());
    const first = painter.open("a");
    painter.open("a");
    first.close();
    painter.show(header("a"), JPEG);
    expect(FakeWorker.last.said.at(-1)).toMatchObject({ type: "frame", surface: 2 });
  });

  it("gets a snapshot, or nothing from a worker that does not answer", async () => {
    vi.useFakeTimers();
    const painter = new Painter(handlers());
    const surface = painter.open("a");
    const answered = surface.snapshot();
    const request = FakeWorker.last.said.at(-1);
    const jpeg = new Blob(["jpeg"]);
    if (request?.type === "snapshot") {
      FakeWorker.last.onmessage?.({ data: { type: "snapshot", request: request.request, jpeg } });
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
    [
      "could not paint",
      () => Reflect.deleteProperty(HTMLCanvasElement.prototype, "transferControlToOffscreen"),
    ],
  ])("paints on the page where one %s", async (_, prepare) => {
    prepare();
    const transferFromImageBitmap = vi.fn();
    vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue({ transferFromImageBitmap } as never);
    vi.stubGlobal("createImageBitmap", () => Promise.resolve({ width: 4, height: 2, close: vi.fn() }));
    const painted = vi.fn();
    const painter = new Painter({ ...handlers(), painted });
    expect(painter.method).toBe("on the page");
    const surface = painter.open("a");
    painter.show(header("a"), JPEG);
    await vi.waitFor(() =>
      expect(painted).toHaveBeenCalledWith(
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
  it("ignore frames for none, and have no snapshot before the first", () => {
    const reports: FromPainter[] = [];
    const surfaces = new Surfaces((message) => reports.push(message));
    surfaces.handle({ type: "frame", surface: 7, buffer: JPEG.buffer, offset: 0, mark });
    surfaces.handle({ type: "close", surface: 7 });
    surfaces.handle({ type: "snapshot", surface: 7, request: 1 });
    expect(reports).toEqual([{ type: "snapshot", request: 1, jpeg: null }]);
  });

  it("paint all cameras in one animation frame, or in a task where there are none", async () => {
    const request = vi.fn();
    vi.stubGlobal("requestAnimationFrame", request);
    vi.stubGlobal("createImageBitmap", () => Promise.resolve({ width: 4, height: 2, close: vi.fn() }));
    const reports: FromPainter[] = [];
    const surfaces = new Surfaces((message) => reports.push(message));
    const canvas = { width: 4, height: 2, getContext: () => ({ transferFromImageBitmap: vi.fn() }) };
    const offer = (surface: number) =>
      surfaces.handle({ type: "frame", surface, buffer: JPEG.buffer, offset: 0, mark });
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

  it("report a frame that is no picture as dropped", async () => {
    vi.stubGlobal("createImageBitmap", () => Promise.reject(new Error("no picture")));
    const reports: FromPainter[] = [];
    const surfaces = new Surfaces((message) => reports.push(message));
    surfaces.handle({ type: "open", surface: 1, canvas: { getContext: () => null } as never });
    surfaces.handle({ type: "frame", surface: 1, buffer: JPEG.buffer, offset: 0, mark });
    await vi.waitFor(() => expect(reports).toEqual([{ type: "dropped", surface: 1, mark, broken: true }]));
  });

  it("live in the worker too", async () => {
    const posted: FromPainter[] = [];
    const scope = { onmessage: null as ((event: { data: ToPainter }) => void) | null };
    vi.stubGlobal(
      "self",
      Object.assign(scope, { postMessage: (message: FromPainter) => posted.push(message) }),
    );
    await import("../../../src/core/viewer/paint.worker.js");
    scope.onmessage?.({ data: { type: "snapshot", surface: 1, request: 5 } });
    expect(posted).toEqual([{ type: "snapshot", request: 5, jpeg: null }]);
  });
});
