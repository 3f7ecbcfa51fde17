/** How far the server's clock is from ours, and how long a message takes there and back. */

/** Samples kept: at one every few seconds, a network that changed is believed within a minute. */
const KEPT = 12;

/** Milliseconds since the epoch that never jump: the page's start by the wall clock, then a monotonic one. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

export class ClockSync {
  private samples: { roundTrip: number; offset: number }[] = [];

  /** Takes an answer: `sentAt` and `receivedAt` by our clock, `serverAt` by the server's. */
  add(sentAt: number, serverAt: number, receivedAt: number): void {
    const roundTrip = receivedAt - sentAt;
    // A negative one is an answer to something we did not ask.
    if (roundTrip < 0) return;
    this.samples.push({ roundTrip, offset: serverAt - (sentAt + receivedAt) / 2 });
    if (this.samples.length > KEPT) this.samples.shift();
  }

  /** The latest round trip in milliseconds. */
  get roundTrip(): number | undefined {
    return this.samples.at(-1)?.roundTrip;
  }

  /** The server's clock minus ours in milliseconds, from the quickest answer: it was delayed least. */
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
