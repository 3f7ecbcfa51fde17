/** What a timeline shows of the past: when there are frames, what happened, and what is kept for ever. */

import type { Span } from "./timeline-window.js";

/** Something that happened at a camera; `to` is null while it lasts. */
export interface PastEvent {
  readonly id: string;
  readonly cameraId: string;
  readonly label: string;
  readonly from: number;
  readonly to: number | null;
}

/** The recordings in a part of a timeline, of one camera or of several. */
export interface Past {
  /** The part that is known. */
  readonly known: Span;
  /** When there are frames: in the order of time, without overlaps. */
  readonly covered: readonly Span[];
  /** What is kept, however old it is. */
  readonly kept: readonly Span[];
  /** In the order of their begins. */
  readonly events: readonly PastEvent[];
}

/**
 * Frames that are this close belong together: old recordings may have one every ten seconds, and the recordings are asked
 * for every ten seconds.
 */
export const JOIN_MS = 15_000;

/** Returns the spans in the order of time, joined where they touch. */
export function joined(spans: readonly Span[], within = 0): Span[] {
  const result: Span[] = [];
  for (const span of [...spans].sort((one, other) => one.from - other.from)) {
    const last = result.at(-1);
    if (!last || span.from > last.to + within) result.push(span);
    else if (span.to > last.to) result[result.length - 1] = { from: last.from, to: span.to };
  }
  return result;
}

/** Returns the part of the timeline that is in memory; null if the server keeps no frames there, or has not said so. */
export function spanInMemory(oldestAt: number | null | undefined, newestAt: number): Span | null {
  return typeof oldestAt === "number" && oldestAt <= newestAt ? { from: oldestAt, to: newestAt } : null;
}

/** Returns when there are frames, in memory or on disk. */
export function coveredWith(past: Past, inMemory: Span | null): readonly Span[] {
  return inMemory ? joined([...past.covered, inMemory], JOIN_MS) : past.covered;
}

/** Returns the recordings of several cameras as those of one; null if nothing is known of any. */
export function mergePasts(cameras: readonly (Past | null)[]): Past | null {
  const pasts = cameras.filter((past) => past !== null);
  const [first] = pasts;
  if (!first || pasts.length === 1) return first ?? null;
  return {
    known: {
      from: Math.max(...pasts.map(({ known }) => known.from)),
      to: Math.min(...pasts.map(({ known }) => known.to)),
    },
    covered: joined(pasts.flatMap(({ covered }) => covered)),
    kept: joined(pasts.flatMap(({ kept }) => kept)),
    events: pasts.flatMap(({ events }) => events).sort((one, other) => one.from - other.from),
  };
}

/** Whether there are no frames at a moment, as far as is known. */
export function isGap(covered: readonly Span[], known: Span, at: number): boolean {
  return at >= known.from && at <= known.to && !covered.some(({ from, to }) => at >= from && at <= to);
}

/** Returns the moment, or if there are no frames then, the nearest moment with a frame. */
export function nearestCovered(covered: readonly Span[], known: Span, at: number): number {
  if (!isGap(covered, known, at)) return at;
  let nearest: number | undefined;
  for (const { from, to } of covered)
    for (const edge of [from, to])
      if (nearest === undefined || Math.abs(edge - at) < Math.abs(nearest - at)) nearest = edge;
  return nearest ?? at;
}

/** Returns the moment, or if there are no frames then, the next moment with a frame; null if none is known. */
export function nextCovered(covered: readonly Span[], known: Span, at: number): number | null {
  if (!isGap(covered, known, at)) return at;
  return covered.find(({ from }) => from >= at)?.from ?? null;
}
