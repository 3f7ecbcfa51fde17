/** Decodes the frames of one camera one at a time, and paints only the newest. */

import { ConflatingQueue } from "../conflating-queue.js";

export interface Decoded {
  readonly width: number;
  readonly height: number;
  close(): void;
}

export interface PaintLoopOptions<F, D extends Decoded> {
  readonly decode: (frame: F) => Promise<D>;
  readonly paint: (picture: D) => void;
  /** Calls back before the next repaint of the screen. */
  readonly nextRepaint: (callback: () => void) => void;
  readonly onPainted: (frame: F, picture: { width: number; height: number }) => void;
  /** A newer frame superseded this one. */
  readonly onDropped: (frame: F) => void;
  /** The frame cannot be decoded. */
  readonly onBroken: (frame: F) => void;
}

export class PaintLoop<F, D extends Decoded> {
  private readonly queue: ConflatingQueue<F>;
  private ready: { frame: F; picture: D } | undefined;
  private stopped = false;

  constructor(private readonly options: PaintLoopOptions<F, D>) {
    this.queue = new ConflatingQueue<F>((frame) => this.decode(frame), options.onDropped);
  }

  offer(frame: F): void {
    this.queue.offer(frame);
  }

  stop(): void {
    this.stopped = true;
    this.queue.clear();
    this.ready?.picture.close();
    this.ready = undefined;
  }

  private async decode(frame: F): Promise<void> {
    let picture: D;
    try {
      picture = await this.options.decode(frame);
    } catch {
      this.options.onBroken(frame);
      return;
    }
    if (this.stopped) {
      picture.close();
      return;
    }
    if (this.ready) {
      this.ready.picture.close();
      this.options.onDropped(this.ready.frame);
      this.ready = { frame, picture };
      return;
    }
    this.ready = { frame, picture };
    this.options.nextRepaint(() => this.paint());
  }

  private paint(): void {
    if (!this.ready) return;
    const { frame, picture } = this.ready;
    this.ready = undefined;
    // Painting may transfer the picture away, which sets its size to 0.
    const { width, height } = picture;
    this.options.paint(picture);
    this.options.onPainted(frame, { width, height });
  }
}
