/** Decodes and paints frames on numbered surfaces, each with its own loop. Runs in the worker or on the page. */

import { now } from "../clock.js";
import { drawBoxes } from "./boxes.js";
import type { Box } from "./messages.js";
import { PaintLoop } from "./paint-loop.js";
import type { FrameMark, FromPainter, ToPainter } from "./painter-messages.js";

interface Frame {
  readonly blob: Blob;
  readonly mark: FrameMark;
  readonly boxes: readonly Box[];
}

interface Surface {
  readonly loop: PaintLoop<Frame, ImageBitmap>;
  newest: Blob | null;
}

/** What an OffscreenCanvas and a canvas element have in common. */
interface Canvas {
  width: number;
  height: number;
  getContext(kind: "bitmaprenderer"): ImageBitmapRenderingContext | null;
}
export type ToSurfaces =
  Exclude<ToPainter, { type: "open" }> | { type: "open"; surface: number; canvas: Canvas };

export class Surfaces {
  private readonly surfaces = new Map<number, Surface>();
  private readonly waiting: (() => void)[] = [];
  private readonly boxCanvas = new BoxCanvas();

  constructor(private readonly report: (message: FromPainter) => void) {}

  handle(message: ToSurfaces): void {
    switch (message.type) {
      case "open":
        this.surfaces.set(message.surface, {
          loop: this.loopFor(message.surface, message.canvas),
          newest: null,
        });
        break;
      case "frame": {
        const surface = this.surfaces.get(message.surface);
        if (!surface) return;
        const blob = new Blob([new Uint8Array(message.buffer, message.offset)], { type: "image/jpeg" });
        surface.newest = blob;
        surface.loop.offer({ blob, mark: message.mark, boxes: message.boxes });
        break;
      }
      case "close":
        this.surfaces.get(message.surface)?.loop.stop();
        this.surfaces.delete(message.surface);
        break;
      case "snapshot":
        this.report({
          type: "snapshot",
          request: message.request,
          jpeg: this.surfaces.get(message.surface)?.newest ?? null,
        });
        break;
    }
  }

  private loopFor(surface: number, canvas: Canvas): PaintLoop<Frame, ImageBitmap> {
    const context = canvas.getContext("bitmaprenderer");
    return new PaintLoop<Frame, ImageBitmap>({
      decode: async ({ blob, boxes }) => {
        const bitmap = await createImageBitmap(blob);
        return boxes.length === 0 ? bitmap : this.boxCanvas.draw(bitmap, boxes);
      },
      paint: (bitmap) => {
        if (canvas.width !== bitmap.width) canvas.width = bitmap.width;
        if (canvas.height !== bitmap.height) canvas.height = bitmap.height;
        context?.transferFromImageBitmap(bitmap);
      },
      nextRepaint: (callback) => this.nextRepaint(callback),
      onPainted: ({ mark }, { width, height }) =>
        this.report({ type: "painted", surface, mark, paintedAt: now(), width, height }),
      onDropped: ({ mark }) => this.report({ type: "dropped", surface, mark, broken: false }),
      onBroken: ({ mark }) => this.report({ type: "dropped", surface, mark, broken: true }),
    });
  }

  /** All cameras paint in one animation frame: the compositor gets one commit instead of one for each camera. */
  private nextRepaint(callback: () => void): void {
    // Some browsers have no animation frames in workers. Painting in a separate task is the next best solution.
    const { requestAnimationFrame: request } = globalThis as {
      requestAnimationFrame?: (callback: () => void) => void;
    };
    this.waiting.push(callback);
    if (this.waiting.length > 1) return;
    const paintAll = (): void => {
      for (const paint of this.waiting.splice(0)) paint();
    };
    if (request) request(paintAll);
    else setTimeout(paintAll);
  }
}

/**
 * A canvas that is used to draw boxes on frames. All surfaces share it, because each drawing is copied out of it
 * immediately.
 */
class BoxCanvas {
  private canvas: OffscreenCanvas | HTMLCanvasElement | undefined;

  /** Returns a bitmap with the boxes drawn on it, and closes the given bitmap. */
  async draw(bitmap: ImageBitmap, boxes: readonly Box[]): Promise<ImageBitmap> {
    const { width, height } = bitmap;
    const canvas = this.ofSize(width, height);
    const context = canvas.getContext("2d") as CanvasRenderingContext2D | null;
    if (!context) return bitmap;
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    drawBoxes(context, boxes, width, height);
    return "transferToImageBitmap" in canvas ? canvas.transferToImageBitmap() : createImageBitmap(canvas);
  }

  private ofSize(width: number, height: number): OffscreenCanvas | HTMLCanvasElement {
    // Without OffscreenCanvas this runs on the page, not in a worker.
    this.canvas ??=
      typeof OffscreenCanvas === "undefined"
        ? document.createElement("canvas")
        : new OffscreenCanvas(width, height);
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    return this.canvas;
  }
}
