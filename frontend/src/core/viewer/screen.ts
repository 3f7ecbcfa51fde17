/** What happens to a frame between its arrival and the screen, and what the server is told of it. */

import { now } from "../clock.js";
import type { FrameHeader } from "../protocol.js";
import { Acks } from "./acks.js";
import type { Box } from "./messages.js";
import type { FrameMark } from "./painter-messages.js";
import { ResultHold } from "./results.js";

/** Where pictures go: the browser's is in `painter.ts`. */
export interface FrameSink {
  /**
   * Takes `jpeg` over; its buffer may be transferred away. `boxes` are to be drawn on it. Reports to the session what
   * became of it.
   */
  show(header: FrameHeader, jpeg: Uint8Array<ArrayBuffer>, boxes: readonly Box[]): void;
}

interface Frame {
  readonly header: FrameHeader;
  readonly jpeg: Uint8Array<ArrayBuffer>;
}

export interface ScreenOptions {
  readonly send: (text: string) => void;
  /** A frame will not be painted, because another overtook it. */
  readonly onDropped: (clientId: string) => void;
}

export class Screen {
  sink: FrameSink | null = null;
  private readonly acks: Acks;
  private readonly holds = new Map<string, ResultHold<Frame>>();
  private boxesShown = true;

  constructor(private readonly options: ScreenOptions) {
    this.acks = new Acks(options.send);
  }

  /** A new connection, or none: what came by the last one is settled. */
  reset(): void {
    this.acks.reset();
    for (const hold of this.holds.values()) hold.clear();
  }

  /** A frame came by a connection that wants acks. */
  received({ clientId, sequence }: FrameHeader): void {
    if (this.sink) this.acks.received(clientId, sequence);
  }

  /** Nobody will ever see this frame. */
  skip({ clientId, sequence }: FrameHeader): void {
    this.acks.settle(clientId, sequence);
  }

  /** The frame is to be painted: now, or when what was found in it is known. */
  show(header: FrameHeader, jpeg: Uint8Array<ArrayBuffer>): void {
    const hold = this.boxesShown ? this.holds.get(header.clientId) : undefined;
    if (!hold) this.sink?.show(header, jpeg, []);
    else if (header.live === false) {
      hold.clear();
      this.sink?.show(header, jpeg, hold.boxesOf(header.sequence));
    } else if (hold.offer({ header, jpeg }, header.sequence)) {
      // It has come all the way: that we wait with it is no reason for the server to wait with the next.
      this.skip(header);
    }
  }

  /** A program has found something in a frame. */
  result(clientId: string, sequence: number, boxes: readonly Box[]): void {
    let hold = this.holds.get(clientId);
    if (!hold) {
      hold = new ResultHold<Frame>({
        now,
        release: ({ header, jpeg }, found) => this.sink?.show(header, jpeg, found),
        drop: () => this.options.onDropped(clientId),
      });
      this.holds.set(clientId, hold);
    }
    hold.result(sequence, boxes);
  }

  setBoxesShown(shown: boolean): void {
    this.boxesShown = shown;
    if (!shown) for (const hold of this.holds.values()) hold.clear();
  }

  /** `paintedAt` is by the server's clock, if that is known. */
  painted(clientId: string, mark: FrameMark, paintedAt: number | undefined): void {
    // How long ago an old picture was taken says nothing of the way it came.
    this.acks.settle(clientId, mark.sequence, mark.live ? paintedAt : undefined);
  }

  /** The ack for the newer one speaks for a frame that was overtaken, but nothing would for one that is broken. */
  dropped(clientId: string, mark: FrameMark, broken: boolean): void {
    if (broken) this.acks.settle(clientId, mark.sequence);
  }

  forget(clientId: string): void {
    this.holds.get(clientId)?.clear();
    this.holds.delete(clientId);
  }
}
