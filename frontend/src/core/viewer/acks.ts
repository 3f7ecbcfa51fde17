/**
 * Acknowledges frames that were painted, or will never be painted. The server sends new frames as fast as it gets
 * acknowledgements.
 */

import { now } from "../clock.js";
import { ACK_BURST, ACKS_PER_SECOND } from "../limits.js";
import { encodeAck } from "./messages.js";

const RETRY_MS = 50;
/** The most unacknowledged frames of one camera that are remembered. The server does not send more frames ahead. */
const MAX_OUTSTANDING = 64;

interface Ack {
  readonly sequence: number;
  readonly paintedAt: number | undefined;
}

/**
 * The acknowledgements of one connection; call `reset` for the next connection. An acknowledgement of a frame also
 * covers all earlier frames of its camera.
 */
export class Acks {
  /**
   * The unacknowledged sequence numbers of each camera, in order of arrival. In a playback, the numbers may come in any
   * order.
   */
  private readonly outstanding = new Map<string, number[]>();
  private readonly waiting = new Map<string, Ack>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private tokens = ACK_BURST;
  private refilledAt = now();

  constructor(private readonly send: (text: string) => void) {}

  reset(): void {
    this.outstanding.clear();
    this.waiting.clear();
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  received(cameraId: string, sequence: number): void {
    let sequences = this.outstanding.get(cameraId);
    if (!sequences) this.outstanding.set(cameraId, (sequences = []));
    sequences.push(sequence);
    if (sequences.length > MAX_OUTSTANDING) sequences.shift();
  }

  /**
   * Acknowledges a frame. `paintedAt` is when it was painted, by the server's clock; undefined if it will never be
   * painted, or if the time says nothing about the latency. Does nothing for a frame that another connection sent, or
   * that is already acknowledged.
   */
  settle(cameraId: string, sequence: number, paintedAt?: number): void {
    const sequences = this.outstanding.get(cameraId);
    const index = sequences?.lastIndexOf(sequence) ?? -1;
    if (index < 0) return;
    sequences?.splice(0, index + 1);
    this.waiting.set(cameraId, { sequence, paintedAt });
    this.flush();
  }

  private flush(): void {
    const at = now();
    this.tokens = Math.min(ACK_BURST, this.tokens + ((at - this.refilledAt) * ACKS_PER_SECOND) / 1000);
    this.refilledAt = at;
    for (const [cameraId, { sequence, paintedAt }] of this.waiting) {
      if (this.tokens < 1) break;
      this.tokens--;
      this.waiting.delete(cameraId);
      this.send(encodeAck(cameraId, sequence, paintedAt));
    }
    if (this.waiting.size === 0 || this.timer !== undefined) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.flush();
    }, RETRY_MS);
  }
}
