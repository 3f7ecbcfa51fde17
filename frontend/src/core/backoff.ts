/**
 * Computes how long a client waits before it connects again: exponential back-off with full jitter, as
 * docs/reference/protocol.md describes it.
 */

const FIRST_MS = 500;
/** The longest wait: after the server has come back, a client connects within this time. */
const LONGEST_MS = 4000;
/** A connection that lasted this long counts as a success. When it ends, the waits begin with the shortest again. */
export const LASTING_MS = 10_000;

/**
 * Returns the milliseconds to wait. `attempt` is the number of failures in a row before this one; `random` is in [0, 1).
 * Without the jitter, a thousand pages that lost one server would all come back in the same moment.
 */
export function backoffMs(attempt: number, random: number): number {
  return random * Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 16));
}

/** Counts the failures in a row. */
export class Backoff {
  private failures = 0;

  constructor(private readonly random: () => number = Math.random) {}

  /** Notes that the attempt has done what it is for, such as carrying a frame: the next wait is the shortest. */
  noteSuccess(): void {
    this.failures = 0;
  }

  /** Returns the milliseconds to wait after a failed attempt that lasted `lastedMs`. */
  delayAfter(lastedMs: number): number {
    if (lastedMs >= LASTING_MS) this.failures = 0;
    return backoffMs(this.failures++, this.random());
  }
}
