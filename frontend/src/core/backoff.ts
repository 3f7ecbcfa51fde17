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
