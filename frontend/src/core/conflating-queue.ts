/** A queue that works on one item at a time, and keeps only the newest of the waiting items. */

/**
 * `work` must not reject. `drop` gets every item that will not be worked on, so that the caller can free and count it.
 */
export class ConflatingQueue<T> {
  private busy = false;
  private waiting: { item: T } | undefined;

  constructor(
    private readonly work: (item: T) => Promise<void>,
    private readonly drop: (item: T) => void,
  ) {}

  offer(item: T): void {
    if (!this.busy) {
      void this.run(item);
      return;
    }
    if (this.waiting) this.drop(this.waiting.item);
    this.waiting = { item };
  }

  /** Drops the item that waits. Work in progress continues. */
  clear(): void {
    if (this.waiting) this.drop(this.waiting.item);
    this.waiting = undefined;
  }

  private async run(item: T): Promise<void> {
    this.busy = true;
    let next: { item: T } | undefined = { item };
    while (next) {
      await this.work(next.item);
      next = this.waiting;
      this.waiting = undefined;
    }
    this.busy = false;
  }
}
