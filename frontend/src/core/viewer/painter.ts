/** Paints every camera on its own canvas, in a worker if the browser supports that. */

import type { FrameHeader } from "../protocol.js";
import type { Box } from "./messages.js";
import type { FrameMark, FromPainter, Picture, ShownSize, ToPainter } from "./painter-messages.js";
import type { FrameSink } from "./frame-presenter.js";
import { Surfaces } from "./surfaces.js";

export interface PaintedFrame {
  readonly mark: FrameMark;
  /** By our clock. */
  readonly paintedAt: number;
  readonly width: number;
  readonly height: number;
}

export interface PainterHandlers {
  onPainted(cameraId: string, frame: PaintedFrame): void;
  /** The frame is not painted. If `broken`, it cannot be decoded; otherwise a newer frame superseded it. */
  onDropped(cameraId: string, mark: FrameMark, broken: boolean): void;
  /** The camera has no open surface, so neither `newest` nor any frame before it is painted now. */
  onUnpaintable(cameraId: string, newest: FrameMark): void;
}

export interface Surface {
  /** The caller inserts it into the page. */
  readonly canvas: HTMLCanvasElement;
  /** Resolves to the JPEG on the screen as the camera sent it, or to null if no frame has come. */
  snapshot(): Promise<Blob | null>;
  /** Resolves to the JPEG on the screen with its mark, or to null if no frame has come. */
  picture(): Promise<Picture | null>;
  /** Says how large the surface is shown. Boxes are drawn in this size. */
  setSize(size: ShownSize): void;
  close(): void;
}

/** A snapshot resolves to null after this time, in case the worker does not answer. */
const SNAPSHOT_DEADLINE_MS = 3000;

/** The longest believable time from the capture of a frame to its arrival at the server. */
const MAX_CAPTURE_MS = 60_000;

export class Painter implements FrameSink {
  private readonly worker: Worker | null = null;
  private readonly local: Surfaces | null = null;
  private readonly surfaceOf = new Map<string, number>();
  private readonly cameraOf = new Map<number, string>();
  private readonly newestOf = new Map<number, FrameMark>();
  private readonly requests = new Map<number, (picture: Picture | null) => void>();
  /** The newest frame of each camera without a surface. A new surface shows this frame immediately. */
  private readonly pending = new Map<string, Parameters<FrameSink["show"]>>();
  private lastNumber = 0;

  constructor(private readonly handlers: PainterHandlers) {
    this.worker = startWorker();
    if (this.worker) this.worker.onmessage = ({ data }: MessageEvent<FromPainter>) => this.handleReport(data);
    else this.local = new Surfaces((message) => this.handleReport(message));
  }

  /** Describes in words where frames are painted, for the statistics. */
  get method(): "in a worker" | "on the page" {
    return this.worker ? "in a worker" : "on the page";
  }

  /** Opens a surface for a camera. If a camera has several surfaces, the one opened last shows the frames. */
  open(cameraId: string): Surface {
    const surface = ++this.lastNumber;
    const canvas = document.createElement("canvas");
    this.surfaceOf.set(cameraId, surface);
    this.cameraOf.set(surface, cameraId);
    if (this.worker) {
      const offscreen = canvas.transferControlToOffscreen();
      this.worker.postMessage({ type: "open", surface, canvas: offscreen } satisfies ToPainter, [offscreen]);
    } else this.local?.handle({ type: "open", surface, canvas });
    const pending = this.pending.get(cameraId);
    this.pending.delete(cameraId);
    if (pending) this.show(...pending);
    return {
      canvas,
      snapshot: async () => (await this.picture(surface))?.jpeg ?? null,
      picture: () => this.picture(surface),
      setSize: (size) => this.post({ type: "size", surface, size }),
      close: () => {
        this.post({ type: "close", surface });
        this.cameraOf.delete(surface);
        if (this.surfaceOf.get(cameraId) === surface) this.surfaceOf.delete(cameraId);
        const newest = this.newestOf.get(surface);
        this.newestOf.delete(surface);
        if (newest) this.handlers.onUnpaintable(cameraId, newest);
      },
    };
  }

  show(header: FrameHeader, jpeg: Uint8Array<ArrayBuffer>, boxes: readonly Box[], opacity = 1): void {
    const live = header.live !== false;
    // The timeline is in the order of arrival at the server, so a playback shows the time of arrival.
    const takenAt = live ? captureTime(header) : header.timestamp;
    const mark: FrameMark = { sequence: header.sequence, takenAt, live };
    const surface = this.surfaceOf.get(header.cameraId);
    if (surface === undefined) {
      this.pending.set(header.cameraId, [header, jpeg, boxes, opacity]);
      this.handlers.onUnpaintable(header.cameraId, mark);
      return;
    }
    const { buffer, byteOffset: offset } = jpeg;
    this.newestOf.set(surface, mark);
    this.post({ type: "frame", surface, buffer, offset, mark, boxes, opacity }, [buffer]);
  }

  close(): void {
    this.worker?.terminate();
    for (const surface of this.cameraOf.keys()) this.local?.handle({ type: "close", surface });
    for (const answer of this.requests.values()) answer(null);
    this.requests.clear();
    this.pending.clear();
  }

  private picture(surface: number): Promise<Picture | null> {
    const request = ++this.lastNumber;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.requests.get(request)?.(null), SNAPSHOT_DEADLINE_MS);
      this.requests.set(request, (picture) => {
        clearTimeout(timer);
        this.requests.delete(request);
        resolve(picture);
      });
      this.post({ type: "snapshot", surface, request });
    });
  }

  private post(message: Exclude<ToPainter, { type: "open" }>, transfer: Transferable[] = []): void {
    if (this.worker) this.worker.postMessage(message, transfer);
    else this.local?.handle(message);
  }

  private handleReport(message: FromPainter): void {
    if (message.type === "snapshot") {
      this.requests.get(message.request)?.(message.picture);
      return;
    }
    const cameraId = this.cameraOf.get(message.surface);
    if (cameraId === undefined) return;
    if (message.type === "painted") this.handlers.onPainted(cameraId, message);
    else this.handlers.onDropped(cameraId, message.mark, message.broken);
  }
}

/** A camera whose clock is wrong sends a time that cannot be true. The time of arrival is then the better one. */
function captureTime({ capturedAt, timestamp }: FrameHeader): number {
  const wait = timestamp - (capturedAt ?? timestamp);
  return wait >= 0 && wait <= MAX_CAPTURE_MS ? timestamp - wait : timestamp;
}

function startWorker(): Worker | null {
  if (typeof Worker === "undefined" || typeof OffscreenCanvas === "undefined") return null;
  if (!("transferControlToOffscreen" in HTMLCanvasElement.prototype)) return null;
  try {
    return new Worker(new URL("./paint.worker.ts", import.meta.url), { type: "module" });
  } catch {
    // Browsers refuse to start a worker from another origin.
    return null;
  }
}
