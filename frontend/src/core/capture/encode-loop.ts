/** Encodes a camera's frames as JPEGs at the wanted rate and size. At most one frame waits while another is encoded. */

import { ConflatingQueue } from "../conflating-queue.js";
import { fit, FramePacer } from "./pacer.js";

export interface EncoderSettings {
  readonly fps: number;
  readonly quality: number;
  /** The longer side in pixels. */
  readonly width: number;
}

/** An uncompressed frame: a VideoFrame, an ImageBitmap or a substitute. Its owner must close it. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  close(): void;
}

export interface EncodedFrame {
  readonly jpeg: ArrayBuffer;
  /** When the frame was captured by our clock, in milliseconds since the epoch. */
  readonly takenAt: number;
  readonly width: number;
  readonly height: number;
  /** The small grey picture in which changes are looked for; left out if it is not time for one. */
  readonly points?: Uint8Array<ArrayBuffer>;
}

export interface EncodeLoopOptions<P extends Picture> {
  readonly encode: (picture: P, width: number, height: number, quality: number) => Promise<ArrayBuffer>;
  /** Returns the small grey picture of a picture. */
  readonly pointsOf?: (picture: P) => Uint8Array<ArrayBuffer> | undefined;
  readonly onFrame: (frame: EncodedFrame) => void;
  /**
   * It was time to encode a frame, but no frame was encoded: because the loop is held, or, if `busy`, because the
   * machine is too slow.
   */
  readonly onSkipped: (busy: boolean) => void;
  readonly onError: (error: unknown) => void;
}

interface Taken<P> {
  readonly picture: P;
  readonly at: number;
}

export class EncodeLoop<P extends Picture> {
  private held = false;
  /** Whether the next frame is to be encoded. */
  private due = false;
  private pointsEvery = Infinity;
  private pointsAt = -Infinity;
  private readonly pacer: FramePacer;
  private readonly queue: ConflatingQueue<Taken<P>>;

  constructor(
    private settings: EncoderSettings,
    private readonly options: EncodeLoopOptions<P>,
  ) {
    this.pacer = new FramePacer(settings.fps);
    this.queue = new ConflatingQueue<Taken<P>>(
      (taken) => this.encode(taken),
      ({ picture }) => {
        picture.close();
        options.onSkipped(!this.held);
      },
    );
  }

  configure(settings: EncoderSettings): void {
    if (settings.fps !== this.settings.fps) {
      this.pacer.setRate(settings.fps);
      this.due = false;
    }
    this.settings = settings;
  }

  /**
   * While `held`, frames are skipped and not encoded. When this ends, the next frame is encoded immediately in place of
   * the last skipped one.
   */
  hold(held: boolean): void {
    this.held = held;
    if (held) this.queue.clear();
  }

  /** Takes ownership of `picture` and closes it. `at` is the time of capture in milliseconds. */
  offer(picture: P, at: number): void {
    if (this.pacer.accept(at)) {
      if (this.due) this.options.onSkipped(false);
      this.due = true;
    }
    if (this.held || !this.due) {
      picture.close();
      return;
    }
    this.due = false;
    this.queue.offer({ picture, at });
  }

  /** Makes a small grey picture with a frame after this many milliseconds; Infinity for none. */
  measure(everyMs: number): void {
    this.pointsEvery = everyMs;
  }

  stop(): void {
    this.held = true;
    this.queue.clear();
  }

  /** Frames never come exactly on time, so half of the interval is enough. */
  private isMeasured(at: number): boolean {
    if (at - this.pointsAt < this.pointsEvery / 2) return false;
    this.pointsAt = at;
    return true;
  }

  private async encode({ picture, at }: Taken<P>): Promise<void> {
    const { width, height } = fit(picture.width, picture.height, this.settings.width);
    try {
      const points = this.isMeasured(at) ? this.options.pointsOf?.(picture) : undefined;
      const jpeg = await this.options.encode(picture, width, height, this.settings.quality);
      this.options.onFrame({ jpeg, takenAt: at, width, height, ...(points && { points }) });
    } catch (error) {
      this.options.onError(error);
    } finally {
      picture.close();
    }
  }
}
