/** How long to wait before trying again: doubling, bounded, and different for everybody. */

/** A server that comes back must find us within 5 s, so the longest wait stays below that. */
const FIRST_MS = 400;
const LONGEST_MS = 4000;

/** `attempt` counts from 0; `random` is in [0, 1). The jitter halves the wait at most, so that a thousand clients spread out. */
export function backoffMs(attempt: number, random: number): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 16));
  return ceiling * (0.5 + random / 2);
}
