/** From a camera's pictures to JPEGs: which to take, how big, and never more than one behind. */

import { NewestOnly } from "../newest.js";
import { fit, FramePacer } from "./pacer.js";

export interface EncoderSettings {
  readonly fps: number;
  readonly quality: number;
  /** The longer side in pixels. */
  readonly width: number;
}

/** A VideoFrame, an ImageBitmap or a stand-in for one: it has to be closed. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  close(): void;
}

export interface EncodedFrame {
  readonly jpeg: ArrayBuffer;
  /** By our clock, in milliseconds since the epoch. */
  readonly takenAt: number;
  readonly width: number;
  readonly height: number;
}

export interface EncodeLoopOptions<P extends Picture> {
  readonly encode: (picture: P, width: number, height: number, quality: number) => Promise<ArrayBuffer>;
  readonly onFrame: (frame: EncodedFrame) => void;
  /** A picture that was due was not encoded: we are on hold, or the machine is too slow. */
  readonly onSkipped: () => void;
  readonly onError: (error: unknown) => void;
}

interface Taken<P> {
  readonly picture: P;
  readonly at: number;
}

export class EncodeLoop<P extends Picture> {
  private held = false;
  /** A picture is due: the next that can be taken is. */
  private due = false;
  private readonly pacer: FramePacer;
  private readonly newest: NewestOnly<Taken<P>>;

  constructor(
    private settings: EncoderSettings,
    private readonly options: EncodeLoopOptions<P>,
  ) {
    this.pacer = new FramePacer(settings.fps);
    this.newest = new NewestOnly<Taken<P>>(
      (taken) => this.encode(taken),
      ({ picture }) => {
        picture.close();
        options.onSkipped();
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

  /** While held, pictures are skipped before they cost anything; the next one after it makes up for the last of them. */
  hold(held: boolean): void {
    this.held = held;
    if (held) this.newest.clear();
  }

  /** Takes over `picture` and closes it; `at` is when it was taken, in milliseconds. */
  offer(picture: P, at: number): void {
    if (this.pacer.accept(at)) {
      if (this.due) this.options.onSkipped();
      this.due = true;
    }
    if (this.held || !this.due) {
      picture.close();
      return;
    }
    this.due = false;
    this.newest.offer({ picture, at });
  }

  stop(): void {
    this.held = true;
    this.newest.clear();
  }

  private async encode({ picture, at }: Taken<P>): Promise<void> {
    const { width, height } = fit(picture.width, picture.height, this.settings.width);
    try {
      const jpeg = await this.options.encode(picture, width, height, this.settings.quality);
      this.options.onFrame({ jpeg, takenAt: at, width, height });
    } catch (error) {
      this.options.onError(error);
    } finally {
      picture.close();
    }
  }
}
