/**
 * Estimates the difference between the server's clock and our clock, which is that of this page, and the round trip.
 */

/**
 * Number of samples that are kept. With one sample every two seconds, a change of the network takes effect within half
 * a minute.
 */
const KEPT = 12;
/** Milliseconds by which two answers may contradict each other: clocks drift, and browsers round times. */
const SLACK_MS = 5;

/**
 * Returns milliseconds since the epoch that never jump: the page's start by the wall clock, continued by a monotonic
 * clock.
 */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

export class ClockSync {
  private samples: { roundTrip: number; offset: number }[] = [];

  /** Takes an answer: `sentAt` and `receivedAt` are by our clock, `serverAt` is by the server's. */
  add(sentAt: number, serverAt: number, receivedAt: number): void {
    const roundTrip = receivedAt - sentAt;
    // If the round trip is negative, this is an answer to a question that we did not ask.
    if (roundTrip < 0) return;
    const offset = serverAt - (sentAt + receivedAt) / 2;
    // The error of an offset is at most half of its round trip. If two answers differ by more than both errors, one of the
    // clocks was set in between, or ours stood still while this device slept. Then only the newer answer is true.
    this.samples = this.samples.filter(
      (sample) => Math.abs(sample.offset - offset) <= (sample.roundTrip + roundTrip) / 2 + SLACK_MS,
    );
    this.samples.push({ roundTrip, offset });
    if (this.samples.length > KEPT) this.samples.shift();
  }

  /** The latest round trip in milliseconds. */
  get roundTrip(): number | undefined {
    return this.samples.at(-1)?.roundTrip;
  }

  /**
   * The server's clock minus ours in milliseconds. It comes from the answer with the shortest round trip, which is the
   * most exact answer.
   */
  get offset(): number | undefined {
    let best: { roundTrip: number; offset: number } | undefined;
    for (const sample of this.samples)
      if (best === undefined || sample.roundTrip < best.roundTrip) best = sample;
    return best?.offset;
  }

  reset(): void {
    this.samples = [];
  }
}
