/** Measures rates over the last few seconds: events per second, and the sum of their amounts per second. */

interface Entry {
  readonly at: number;
  readonly amount: number;
}

/** Times are in milliseconds of one clock; the rates are of the last `window` milliseconds. */
export class RateMeter {
  private entries: Entry[] = [];
  private head = 0;

  constructor(private readonly window = 3000) {}

  add(at: number, amount = 1): void {
    this.entries.push({ at, amount });
    this.forget(at);
  }

  /** Events and amount per second. */
  rates(now: number): { perSecond: number; amountPerSecond: number } {
    this.forget(now);
    const count = this.entries.length - this.head;
    const first = this.entries[this.head];
    const last = this.entries[this.entries.length - 1];
    if (first === undefined || last === undefined || count < 2) return { perSecond: 0, amountPerSecond: 0 };
    // N events span N-1 intervals. A pause longer than the usual interval is added, so that the rates fall as soon as
    // events stop.
    const usual = (last.at - first.at) / (count - 1);
    const silence = Math.max(0, now - last.at - usual);
    const span = Math.max(1, last.at - first.at + silence);
    let amount = 0;
    for (let i = this.head + 1; i < this.entries.length; i++) amount += this.entries[i]?.amount ?? 0;
    return { perSecond: ((count - 1) * 1000) / span, amountPerSecond: (amount * 1000) / span };
  }

  reset(): void {
    this.entries = [];
    this.head = 0;
  }

  private forget(now: number): void {
    const horizon = now - this.window;
    while (this.head < this.entries.length && (this.entries[this.head]?.at ?? now) < horizon) this.head++;
    // The array is compacted only rarely: `add` runs for every frame, and must be cheap.
    if (this.head > 256) {
      this.entries = this.entries.slice(this.head);
      this.head = 0;
    }
  }
}
