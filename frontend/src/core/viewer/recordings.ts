/** Asks the server what it has recorded, and reads its answers. Times are milliseconds by the server's clock. */

import { AccessApi, RequestError } from "../rest.js";
import { isFiniteNumber, isObject } from "../protocol.js";
import { JOIN_MS, joined, type Past, type PastEvent } from "./past.js";
import type { Span } from "./timeline-window.js";

/** What the recordings of one camera between two moments amount to. */
export interface RecordedPast extends Past {
  readonly frames: number;
  readonly bytes: number;
}

/** Events in one answer; the server gives at most 10,000. */
const MOST_EVENTS = 1000;
/** From this length on, the server is asked for numbers of frames instead of single spans. */
const COARSE_MS = 2 * 86_400_000;
const HOUR = 3_600_000;
const BUCKETS = 400;
/** How far back an earlier event is looked for, step by step. */
const LOOK_BACK_MS = [HOUR, 24 * HOUR, 7 * 24 * HOUR, 90 * 24 * HOUR, 20 * 365 * 24 * HOUR];

export class Recordings {
  private readonly api: AccessApi;

  constructor(base: URL, fetch: typeof globalThis.fetch) {
    this.api = new AccessApi(base, fetch);
  }

  /** Returns what is recorded of a camera between two moments; null if the server does not say. */
  async read(cameraId: string, span: Span): Promise<RecordedPast | null> {
    const long = span.to - span.from > COARSE_MS;
    return this.ask(cameraId, span, long ? BUCKETS : undefined);
  }

  /** Returns what is recorded of a camera in each hour of a span, which begins with one. */
  async readHours(cameraId: string, span: Span): Promise<RecordedPast | null> {
    return this.ask(cameraId, span, Math.max(1, Math.round((span.to - span.from) / HOUR)));
  }

  /** Returns the first event that begins after a moment; null if there is none. */
  async eventAfter(cameraId: string, at: number): Promise<PastEvent | null> {
    // Many events may have begun before and last; they come first.
    for (let from = at; ;) {
      const { events, more } = await this.events(cameraId, { from, to: Number.POSITIVE_INFINITY });
      const found = events.find((event) => event.from > at);
      if (found !== undefined || !more) return found ?? null;
      from = Math.max(from + 1, events.at(-1)?.from ?? 0);
    }
  }

  /** Returns the last event that begins before a moment; null if there is none. */
  async eventBefore(cameraId: string, at: number): Promise<PastEvent | null> {
    for (const back of LOOK_BACK_MS) {
      let found: PastEvent | undefined;
      for (let from = Math.max(0, at - back); ;) {
        const { events, more } = await this.events(cameraId, { from, to: at });
        found = events.filter((event) => event.from < at).at(-1) ?? found;
        if (!more) break;
        from = Math.max(from + 1, events.at(-1)?.from ?? 0);
      }
      if (found !== undefined) return found;
    }
    return null;
  }

  /** Keeps a part of the recordings however old it becomes, or lets it become old again. */
  async keep(cameraId: string, span: Span, kept: boolean): Promise<void> {
    await this.api.ask(kept ? "POST" : "DELETE", `${path(cameraId)}/protected?${query(span)}`);
  }

  private async ask(cameraId: string, span: Span, buckets: number | undefined): Promise<RecordedPast | null> {
    const more = buckets === undefined ? "" : `&buckets=${buckets}`;
    try {
      return readPast(cameraId, span, await this.api.ask("GET", `${path(cameraId)}?${query(span)}${more}`));
    } catch (error) {
      // Another server has the camera, or this person has no such right over it. It may be played back all the same.
      if (error instanceof RequestError && (error.status === 404 || error.status === 403)) return null;
      throw error;
    }
  }

  private async events(cameraId: string, span: Span): Promise<{ events: PastEvent[]; more: boolean }> {
    const answer = await this.api.ask("GET", `${path(cameraId)}/events?${query(span)}&limit=${MOST_EVENTS}`);
    return { events: readEvents(cameraId, answer.events), more: answer.more === true };
  }
}

function path(cameraId: string): string {
  return `clients/${encodeURIComponent(cameraId)}/history`;
}

function query({ from, to }: Span): string {
  const seconds = (at: number): string => (at / 1000).toFixed(3);
  return `from=${seconds(from)}${Number.isFinite(to) ? `&to=${seconds(to)}` : ""}`;
}

/** Reads an answer about recordings; what is wrong in it is left out. */
export function readPast(cameraId: string, known: Span, answer: Record<string, unknown>): RecordedPast {
  const spans = readSpans(answer.spans);
  const coverage = Array.isArray(answer.coverage) ? (answer.coverage as unknown[]) : null;
  return {
    known,
    covered: joined(coverage ? readCoverage(known, coverage) : spans, JOIN_MS),
    kept: joined(readSpans(answer.protected)),
    events: readEvents(cameraId, answer.events),
    frames: isFiniteNumber(answer.frames) ? answer.frames : 0,
    bytes: isFiniteNumber(answer.bytes) ? answer.bytes : 0,
  };
}

function readCoverage({ from, to }: Span, counts: readonly unknown[]): Span[] {
  const length = (to - from) / counts.length;
  return counts.flatMap((count, index) =>
    isFiniteNumber(count) && count > 0
      ? [{ from: from + index * length, to: from + (index + 1) * length }]
      : [],
  );
}

function readSpans(value: unknown): Span[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((one: unknown) => {
    if (!isObject(one)) return [];
    const span = { from: readTime(one.begin), to: readTime(one.end) };
    return span.from <= span.to ? [span] : [];
  });
}

function readEvents(cameraId: string, value: unknown): PastEvent[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((one: unknown) => {
    if (!isObject(one) || typeof one.id !== "string" || typeof one.label !== "string") return [];
    const from = readTime(one.begin);
    if (Number.isNaN(from)) return [];
    const to = readTime(one.end);
    return [{ id: one.id, cameraId, label: one.label, from, to: Number.isNaN(to) ? null : to }];
  });
}

function readTime(value: unknown): number {
  return typeof value === "string" ? Date.parse(value) : Number.NaN;
}
