/**
 * Passes frames on to the painter, and acknowledges them. Boxes of detection results trail behind the live picture, or
 * frames wait for their results.
 */

import { now } from "../clock.js";
import type { FrameHeader } from "../protocol.js";
import { Acks } from "./acks.js";
import type { Box } from "./messages.js";
import type { FrameMark } from "./painter-messages.js";
import { ResultHold } from "./results.js";

/** Takes the frames that are to be shown. `painter.ts` has the browser's sink. */
export interface FrameSink {
  /**
   * Shows a frame with `boxes` drawn on it, and reports to the session what became of the frame. The sink owns `jpeg`
   * from now on, and may transfer the buffer of `jpeg` to a worker. `opacity` is that of the boxes: boxes of an earlier
   * frame fade.
   */
  show(header: FrameHeader, jpeg: Uint8Array<ArrayBuffer>, boxes: readonly Box[], opacity?: number): void;
}

interface Frame {
  readonly header: FrameHeader;
  readonly jpeg: Uint8Array<ArrayBuffer>;
}

export interface FramePresenterOptions {
  readonly send: (text: string) => void;
  /** A frame will not be painted, because a newer one superseded it. */
  readonly onDropped: (cameraId: string) => void;
}

export class FramePresenter {
  sink: FrameSink | null = null;
  private readonly acks: Acks;
  private readonly holds = new Map<string, ResultHold<Frame>>();
  private drawsBoxes = true;
  private drawsExactly = false;

  constructor(private readonly options: FramePresenterOptions) {
    this.acks = new Acks(options.send);
  }

  /** The connection is closed or new: frames of the previous connection need no acknowledgement. */
  reset(): void {
    this.acks.reset();
    for (const hold of this.holds.values()) hold.clear();
  }

  /** A frame came on a connection that expects acknowledgements. */
  received({ cameraId, sequence }: FrameHeader): void {
    if (this.sink) this.acks.received(cameraId, sequence);
  }

  /** Acknowledges a frame that will not be painted. */
  skip({ cameraId, sequence }: FrameHeader): void {
    this.acks.settle(cameraId, sequence);
  }

  /** Paints a frame: immediately, or when its detection result has come. */
  show(header: FrameHeader, jpeg: Uint8Array<ArrayBuffer>): void {
    const hold = this.boxesShown ? this.holds.get(header.cameraId) : undefined;
    if (!hold) this.sink?.show(header, jpeg, []);
    else if (header.live === false) {
      hold.clear();
      this.sink?.show(header, jpeg, hold.boxesOf(header.sequence));
    } else if (!this.drawsExactly) {
      const { boxes, opacity } = hold.trail(header.sequence);
      this.sink?.show(header, jpeg, boxes, opacity);
    } else if (hold.offer({ header, jpeg }, header.sequence)) {
      // The frame waits here by our own choice, so the server may send the next one.
      this.skip(header);
    }
  }

  /** Takes the detection result of a frame. */
  result(cameraId: string, sequence: number, boxes: readonly Box[]): void {
    let hold = this.holds.get(cameraId);
    if (!hold) {
      hold = new ResultHold<Frame>({
        now,
        release: ({ header, jpeg }, found) => this.sink?.show(header, jpeg, found),
        drop: () => this.options.onDropped(cameraId),
      });
      this.holds.set(cameraId, hold);
    }
    hold.result(sequence, boxes);
  }

  /** Milliseconds by which frames of a camera come later, because they wait for their results. */
  delayOf(cameraId: string): number {
    return this.drawsBoxes && this.drawsExactly ? (this.holds.get(cameraId)?.delay ?? 0) : 0;
  }

  /** Whether a frame waits for its detection result. Otherwise the boxes of the newest result trail behind. */
  get exactBoxes(): boolean {
    return this.drawsExactly;
  }

  set exactBoxes(exact: boolean) {
    this.drawsExactly = exact;
    if (!exact) for (const hold of this.holds.values()) hold.clear();
  }

  /** Whether boxes are drawn. */
  get boxesShown(): boolean {
    return this.drawsBoxes;
  }

  set boxesShown(shown: boolean) {
    this.drawsBoxes = shown;
    if (!shown) for (const hold of this.holds.values()) hold.clear();
  }

  /** `paintedAt` is by the server's clock, if that is known. */
  painted(cameraId: string, mark: FrameMark, paintedAt: number | undefined): void {
    // The age of a playback's frame says nothing about the latency of the connection.
    this.acks.settle(cameraId, mark.sequence, mark.live ? paintedAt : undefined);
  }

  /**
   * A superseded frame needs no acknowledgement, because a later acknowledgement covers it. A broken frame, which
   * cannot be decoded, needs an acknowledgement of its own.
   */
  dropped(cameraId: string, mark: FrameMark, broken: boolean): void {
    if (broken) this.acks.settle(cameraId, mark.sequence);
  }

  forget(cameraId: string): void {
    this.holds.get(cameraId)?.clear();
    this.holds.delete(cameraId);
  }
}
