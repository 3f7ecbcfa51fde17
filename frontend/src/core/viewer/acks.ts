/** Tells the server which frames are on the screen, which is what it paces us by. */

import { now } from "../clock.js";
import { ACK_BURST, ACKS_PER_SECOND } from "../limits.js";
import { encodeAck } from "./messages.js";

const RETRY_MS = 50;
/** More than a server sends ahead of its acks. */
const MAX_OUTSTANDING = 64;

interface Ack {
  readonly sequence: number;
  readonly paintedAt: number | undefined;
}

/** Of one connection: `reset` it for the next. An ack speaks for all frames that came before the one it names. */
export class Acks {
  /** By camera, in the order in which they came, which in a playback is not the order of their numbers. */
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

  received(clientId: string, sequence: number): void {
    let sequences = this.outstanding.get(clientId);
    if (!sequences) this.outstanding.set(clientId, (sequences = []));
    sequences.push(sequence);
    if (sequences.length > MAX_OUTSTANDING) sequences.shift();
  }

  /**
   * The frame is on the screen since `paintedAt` by the server's clock, or will never be there. Does nothing for a frame
   * that did not come by this connection, or that an ack already spoke for.
   */
  settle(clientId: string, sequence: number, paintedAt?: number): void {
    const sequences = this.outstanding.get(clientId);
    const index = sequences?.lastIndexOf(sequence) ?? -1;
    if (index < 0) return;
    sequences?.splice(0, index + 1);
    this.waiting.set(clientId, { sequence, paintedAt });
    this.flush();
  }

  private flush(): void {
    const at = now();
    this.tokens = Math.min(ACK_BURST, this.tokens + ((at - this.refilledAt) * ACKS_PER_SECOND) / 1000);
    this.refilledAt = at;
    for (const [clientId, { sequence, paintedAt }] of this.waiting) {
      if (this.tokens < 1) break;
      this.tokens--;
      this.waiting.delete(clientId);
      this.send(encodeAck(clientId, sequence, paintedAt));
    }
    if (this.waiting.size === 0 || this.timer !== undefined) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.flush();
    }, RETRY_MS);
  }
}
