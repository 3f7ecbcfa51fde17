/** One thing at a time, and of those that come meanwhile only the newest. */

/** `work` must not reject; `drop` is told of every item that was overtaken, so that it can be freed and counted. */
export class NewestOnly<T> {
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

  /** Drops what waits; what is being worked on goes on. */
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
