/** Paints every camera on a canvas of its own, in a worker where the browser can. */

import type { FrameHeader } from "../protocol.js";
import type { Box } from "./messages.js";
import type { FrameMark, FromPainter, ToPainter } from "./painter-messages.js";
import type { FrameSink } from "./screen.js";
import { Surfaces } from "./surfaces.js";

export interface PaintedPicture {
  readonly mark: FrameMark;
  /** By our clock. */
  readonly paintedAt: number;
  readonly width: number;
  readonly height: number;
}

export interface PainterHandlers {
  painted(clientId: string, picture: PaintedPicture): void;
  /** `broken`: it was no picture; else a newer one overtook it. */
  dropped(clientId: string, mark: FrameMark, broken: boolean): void;
  /** Not to be painted soon, if ever: its surface is not open, or is open no more. So for all before it. */
  shelved(clientId: string, newest: FrameMark): void;
}

export interface Surface {
  /** To be put into the page by whoever asked for it. */
  readonly canvas: HTMLCanvasElement;
  /** The newest JPEG as the camera sent it, or null if there was none yet. */
  snapshot(): Promise<Blob | null>;
  close(): void;
}

/** A worker that does not answer must not leave a button without effect. */
const SNAPSHOT_DEADLINE_MS = 3000;

export class Painter implements FrameSink {
  private readonly worker: Worker | null = null;
  private readonly local: Surfaces | null = null;
  private readonly surfaceOf = new Map<string, number>();
  private readonly cameraOf = new Map<number, string>();
  private readonly newestOf = new Map<number, FrameMark>();
  private readonly requests = new Map<number, (jpeg: Blob | null) => void>();
  /** The newest picture of cameras that have no surface yet, so that a tile is not blank at first. */
  private readonly early = new Map<string, Parameters<FrameSink["show"]>>();
  private lastNumber = 0;

  constructor(private readonly handlers: PainterHandlers) {
    this.worker = startWorker();
    if (this.worker) this.worker.onmessage = ({ data }: MessageEvent<FromPainter>) => this.take(data);
    else this.local = new Surfaces((message) => this.take(message));
  }

  /** In words, for the statistics. */
  get method(): string {
    return this.worker ? "in a worker" : "on the page";
  }

  /** Opens the surface of a camera. A camera has one; the latest opened gets the pictures. */
  open(clientId: string): Surface {
    const surface = ++this.lastNumber;
    const canvas = document.createElement("canvas");
    this.surfaceOf.set(clientId, surface);
    this.cameraOf.set(surface, clientId);
    if (this.worker) {
      const offscreen = canvas.transferControlToOffscreen();
      this.worker.postMessage({ type: "open", surface, canvas: offscreen } satisfies ToPainter, [offscreen]);
    } else this.local?.handle({ type: "open", surface, canvas });
    const early = this.early.get(clientId);
    this.early.delete(clientId);
    if (early) this.show(...early);
    return {
      canvas,
      snapshot: () => this.snapshot(surface),
      close: () => {
        this.say({ type: "close", surface });
        this.cameraOf.delete(surface);
        if (this.surfaceOf.get(clientId) === surface) this.surfaceOf.delete(clientId);
        const newest = this.newestOf.get(surface);
        this.newestOf.delete(surface);
        if (newest) this.handlers.shelved(clientId, newest);
      },
    };
  }

  show(header: FrameHeader, jpeg: Uint8Array<ArrayBuffer>, boxes: readonly Box[]): void {
    const live = header.live !== false;
    // What the server keeps is in the order in which it came.
    const takenAt = live ? (header.capturedAt ?? header.timestamp) : header.timestamp;
    const mark: FrameMark = { sequence: header.sequence, takenAt, live };
    const surface = this.surfaceOf.get(header.clientId);
    if (surface === undefined) {
      this.early.set(header.clientId, [header, jpeg, boxes]);
      this.handlers.shelved(header.clientId, mark);
      return;
    }
    const { buffer, byteOffset: offset } = jpeg;
    this.newestOf.set(surface, mark);
    this.say({ type: "frame", surface, buffer, offset, mark, boxes }, [buffer]);
  }

  close(): void {
    this.worker?.terminate();
    for (const surface of this.cameraOf.keys()) this.local?.handle({ type: "close", surface });
    for (const answer of this.requests.values()) answer(null);
    this.requests.clear();
    this.early.clear();
  }

  private snapshot(surface: number): Promise<Blob | null> {
    const request = ++this.lastNumber;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.requests.get(request)?.(null), SNAPSHOT_DEADLINE_MS);
      this.requests.set(request, (jpeg) => {
        clearTimeout(timer);
        this.requests.delete(request);
        resolve(jpeg);
      });
      this.say({ type: "snapshot", surface, request });
    });
  }

  private say(message: Exclude<ToPainter, { type: "open" }>, transfer: Transferable[] = []): void {
    if (this.worker) this.worker.postMessage(message, transfer);
    else this.local?.handle(message);
  }

  private take(message: FromPainter): void {
    if (message.type === "snapshot") {
      this.requests.get(message.request)?.(message.jpeg);
      return;
    }
    const clientId = this.cameraOf.get(message.surface);
    if (clientId === undefined) return;
    if (message.type === "painted") this.handlers.painted(clientId, message);
    else this.handlers.dropped(clientId, message.mark, message.broken);
  }
}

function startWorker(): Worker | null {
  if (typeof Worker === "undefined" || typeof OffscreenCanvas === "undefined") return null;
  if (!("transferControlToOffscreen" in HTMLCanvasElement.prototype)) return null;
  try {
    return new Worker(new URL("./paint.worker.ts", import.meta.url), { type: "module" });
  } catch {
    // A page of another origin may not start our worker.
    return null;
  }
}
