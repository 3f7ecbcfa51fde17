/** Keeps what is recorded in the shown part of a timeline, and asks the server again when that part has moved. */

import { now } from "../clock.js";
import { Store, type Readable } from "../store.js";
import { mergePasts, type Past } from "./past.js";
import type { Recordings } from "./recordings.js";
import type { Span } from "./timeline-window.js";

/** A hand that moves the timeline asks for many parts. */
const ASK_AFTER_MS = 150;
/** Recordings grow, and events begin and end. */
const REFRESH_MS = 10_000;
/** The shown part is asked for together with this share of it on each side. */
const ASIDE = 0.75;
/** What is known of a much longer part has too few details. */
const TOO_COARSE = 4;

export class PastMap {
  private readonly store = new Store<Past | null>(null);
  /** Null until the first answer. */
  readonly past: Readable<Past | null> = this.store;
  private cameraIds: readonly string[] = [];
  private wanted: Span | undefined;
  private askedAt = Number.NEGATIVE_INFINITY;
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** The number of the newest question; answers to earlier ones are not used. */
  private question = 0;

  constructor(private readonly recordings: Pick<Recordings, "read">) {}

  /** Sets whose recordings are shown. */
  setCameras(cameraIds: readonly string[]): void {
    if (cameraIds.join(" ") === this.cameraIds.join(" ")) return;
    this.cameraIds = cameraIds;
    this.question++;
    this.store.set(null);
    this.askSoon();
  }

  /** Tells which part of the timeline is shown. To be called often. */
  show(span: Span): void {
    this.wanted = span;
    const known = this.store.getSnapshot()?.known;
    const length = span.to - span.from;
    const fits =
      known !== undefined &&
      span.from >= known.from &&
      known.to - known.from <= TOO_COARSE * length &&
      // The end of a part that follows the present is never known.
      (span.to <= known.to || now() - this.askedAt < REFRESH_MS);
    if (!fits || now() - this.askedAt >= REFRESH_MS) this.askSoon();
  }

  /** Asks again, for example because something was changed. */
  refresh(): void {
    this.askedAt = Number.NEGATIVE_INFINITY;
    this.askSoon();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.question++;
  }

  private askSoon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.ask();
    }, ASK_AFTER_MS);
  }

  private async ask(): Promise<void> {
    const { wanted, cameraIds } = this;
    if (wanted === undefined || cameraIds.length === 0) return;
    const question = ++this.question;
    this.askedAt = now();
    const aside = ASIDE * (wanted.to - wanted.from);
    const span = { from: Math.max(0, Math.floor(wanted.from - aside)), to: Math.ceil(wanted.to + aside) };
    try {
      const answers = await Promise.all(cameraIds.map((id) => this.recordings.read(id, span)));
      if (question === this.question) this.store.set(mergePasts(answers));
    } catch {
      // What is known stays; the next movement or the next refresh asks again.
    }
  }
}
