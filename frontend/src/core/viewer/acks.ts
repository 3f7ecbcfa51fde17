/** Acknowledges frames that are on the screen: the server sends new frames as fast as they are acknowledged. */

import { now } from "../clock.js";
import { ACK_BURST, ACKS_PER_SECOND } from "../limits.js";
import { encodeAck } from "./messages.js";

const RETRY_MS = 50;
/** Frames of one camera that are remembered without an acknowledgement; a server sends fewer ahead. */
const MAX_OUTSTANDING = 64;

interface Ack {
  readonly sequence: number;
  readonly paintedAt: number | undefined;
}

/**
 * The acknowledgements of one connection; call `reset` for the next. One for a frame covers all frames that came before
 * it.
 */
export class Acks {
  /** Sequence numbers by camera, in order of arrival, which is not the order of the numbers in a playback. */
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
   * Acknowledges a frame: painted at `paintedAt` by the server's clock, or never to be painted if that is undefined.
   * Does nothing for a frame that another connection sent, or that is already acknowledged.
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
