/** Decodes and paints frames on numbered surfaces, each with its own loop. Runs in the worker or on the page. */

import { now } from "../clock.js";
import { drawBoxes } from "./boxes.js";
import type { Box } from "./messages.js";
import { PaintLoop } from "./paint-loop.js";
import type { FrameMark, FromPainter, Picture, ShownSize, ToPainter } from "./painter-messages.js";

interface Frame {
  readonly blob: Blob;
  readonly mark: FrameMark;
  readonly boxes: readonly Box[];
  readonly opacity: number;
}

/** A picture to paint, with the size of its frame. The bitmap may be larger. */
interface Decoded {
  readonly bitmap: ImageBitmap;
  readonly width: number;
  readonly height: number;
  close(): void;
}

interface Surface {
  readonly loop: PaintLoop<Frame, Decoded>;
  /** The frame on the screen; before the first one is painted, the newest frame. */
  picture: Picture | null;
  painted: boolean;
  size: ShownSize | undefined;
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
          picture: null,
          painted: false,
          size: undefined,
        });
        break;
      case "frame": {
        const surface = this.surfaces.get(message.surface);
        if (!surface) return;
        const blob = new Blob([new Uint8Array(message.buffer, message.offset)], { type: "image/jpeg" });
        const { mark, boxes, opacity } = message;
        if (!surface.painted) surface.picture = { jpeg: blob, mark };
        surface.loop.offer({ blob, mark, boxes, opacity });
        break;
      }
      case "size": {
        const surface = this.surfaces.get(message.surface);
        if (surface) surface.size = message.size;
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
          picture: this.surfaces.get(message.surface)?.picture ?? null,
        });
        break;
    }
  }

  private loopFor(number: number, canvas: Canvas): PaintLoop<Frame, Decoded> {
    const context = canvas.getContext("bitmaprenderer");
    return new PaintLoop<Frame, Decoded>({
      decode: async ({ blob, boxes, opacity }) => {
        const bitmap = await createImageBitmap(blob);
        const { width, height } = bitmap;
        const drawn =
          boxes.length === 0 || opacity <= 0
            ? bitmap
            : await this.boxCanvas.draw(bitmap, boxes, opacity, this.surfaces.get(number)?.size);
        return { bitmap: drawn, width, height, close: () => drawn.close() };
      },
      paint: ({ bitmap }) => {
        if (canvas.width !== bitmap.width) canvas.width = bitmap.width;
        if (canvas.height !== bitmap.height) canvas.height = bitmap.height;
        context?.transferFromImageBitmap(bitmap);
      },
      nextRepaint: (callback) => this.nextRepaint(callback),
      onPainted: ({ blob, mark }, { width, height }) => {
        const surface = this.surfaces.get(number);
        if (surface) {
          surface.picture = { jpeg: blob, mark };
          surface.painted = true;
        }
        this.report({ type: "painted", surface: number, mark, paintedAt: now(), width, height });
      },
      onDropped: ({ mark }) => this.report({ type: "dropped", surface: number, mark, broken: false }),
      onBroken: ({ mark }) => this.report({ type: "dropped", surface: number, mark, broken: true }),
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

/** A frame that is zoomed in is not drawn larger than this, in pixels. */
const MAX_DRAWN_SIDE = 2560;

/**
 * A canvas that is used to draw boxes on frames. All surfaces share it, because each drawing is copied out of it
 * immediately.
 */
class BoxCanvas {
  private canvas: OffscreenCanvas | HTMLCanvasElement | undefined;

  /**
   * Returns a bitmap with the boxes drawn on it, and closes the given bitmap. `shown` is how large the page shows it; the
   * bitmap gets at least as large, so that lines and letters are sharp.
   */
  async draw(
    bitmap: ImageBitmap,
    boxes: readonly Box[],
    opacity: number,
    shown: ShownSize | undefined,
  ): Promise<ImageBitmap> {
    const { width, height } = bitmap;
    // Pixels of the page for one pixel of the frame.
    const page = shown ? Math.min(shown.width / width, shown.height / height) : 1;
    const scale = Math.min(
      Math.max(1, page * (shown?.ratio ?? 1)),
      Math.max(1, MAX_DRAWN_SIDE / Math.max(width, height)),
    );
    const canvas = this.ofSize(Math.round(width * scale), Math.round(height * scale));
    const context = canvas.getContext("2d") as CanvasRenderingContext2D | null;
    if (!context) return bitmap;
    context.globalAlpha = 1;
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    const unit = page > 0 ? scale / page : 1;
    drawBoxes(context, boxes, { width: canvas.width, height: canvas.height, scale, unit, opacity });
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
