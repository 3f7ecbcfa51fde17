/** Remembers when detection results were found, as marks on a timeline. */

/** A time in which something was found, in milliseconds by the server's clock. */
export interface ResultMark {
  readonly from: number;
  readonly to: number;
}

/** Findings that follow each other this quickly are one mark. */
const JOIN_MS = 2000;
const MAX_MARKS = 200;
/** Frames whose time is remembered, because a result names its frame by the sequence only. */
const MAX_FRAMES = 128;

export class ResultMarks {
  private list: readonly ResultMark[] = [];
  private readonly times = new Map<number, number>();

  /** The marks, oldest first: the same array as long as nothing changes. */
  get marks(): readonly ResultMark[] {
    return this.list;
  }

  /** Takes the marks that the server has; those that this page has seen since then are kept. */
  known(marks: readonly ResultMark[]): void {
    const last = marks.at(-1);
    const since = this.list.filter(({ to }) => !last || to > last.to);
    const [first] = since;
    // The mark that goes on is one mark, although the server knows only its beginning.
    const joined =
      last && first && first.from - last.to <= JOIN_MS
        ? [...marks.slice(0, -1), { from: last.from, to: first.to }, ...since.slice(1)]
        : [...marks, ...since];
    const list = joined.slice(-MAX_MARKS);
    const same = (mark: ResultMark, index: number): boolean =>
      mark.from === this.list[index]?.from && mark.to === this.list[index].to;
    if (list.length !== this.list.length || !list.every(same)) this.list = list;
  }

  /** Notes when the server received a frame. */
  frame(sequence: number, timestamp: number): void {
    this.times.delete(sequence);
    this.times.set(sequence, timestamp);
    for (const oldest of this.times.keys()) {
      if (this.times.size <= MAX_FRAMES) break;
      this.times.delete(oldest);
    }
  }

  /** Notes that something was found in a frame. A frame that is not remembered leaves no mark. */
  found(sequence: number): void {
    const at = this.times.get(sequence);
    if (at === undefined) return;
    const last = this.list.at(-1);
    if (last && at >= last.from && at - last.to <= JOIN_MS) {
      // Whole tenths of a second, so that a page need not draw the timeline again for each frame.
      if (at - last.to >= 100) this.list = [...this.list.slice(0, -1), { from: last.from, to: at }];
    } else if (!last || at > last.to) this.list = [...this.list, { from: at, to: at }].slice(-MAX_MARKS);
  }
}
