/** The minimum of recent values, at a cost that does not grow with their number. */

/** Covers the last `count` slices of `sliceMs` milliseconds each; times are in milliseconds of one clock. */
export class RecentMinimum {
  private slices: { readonly from: number; smallest: number }[] = [];

  constructor(
    private readonly sliceMs: number,
    private readonly count: number,
  ) {}

  add(at: number, value: number): void {
    const last = this.slices.at(-1);
    if (last && at < last.from + this.sliceMs) last.smallest = Math.min(last.smallest, value);
    else this.slices.push({ from: at, smallest: value });
    // Slices are removed by their time and not by their number, because there may be a long pause between two values.
    const horizon = at - this.sliceMs * this.count;
    while (this.slices.length > 1 && (this.slices[0]?.from ?? at) < horizon) this.slices.shift();
  }

  /** The smallest value; Infinity before the first value. */
  get value(): number {
    return this.slices.reduce((smallest, slice) => Math.min(smallest, slice.smallest), Infinity);
  }

  reset(): void {
    this.slices = [];
  }
}
