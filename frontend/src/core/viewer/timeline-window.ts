/**
 * The part of a timeline that is shown. A long past is hard to hit with a finger, so a person may zoom in. Times are
 * milliseconds by the server's clock.
 */

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** What a person has chosen to see. */
export interface TimelineZoom {
  /** Milliseconds. */
  readonly length: number;
  /** The last moment that is shown; null follows the newest frame. */
  readonly end: number | null;
}

/** A shorter past needs no zoom. */
export const ZOOMABLE_MS = 120_000;
/** The shortest part that can be shown. */
const SHORTEST_MS = 10_000;
/** The end of a part that is this close to the newest frame, as a share of the part, follows the newest frame. */
const NEAR_END = 0.02;

/** Returns the part that is shown; `zoom` is null for the whole. */
export function shownSpan(zoom: TimelineZoom | null, whole: Span): Span {
  if (!zoom || zoom.length >= whole.to - whole.from) return whole;
  const to = zoom.end === null ? whole.to : Math.min(whole.to, Math.max(zoom.end, whole.from + zoom.length));
  return { from: to - zoom.length, to };
}

/** Makes the part `factor` times shorter, while the moment `at` stays where it is. Returns null for the whole. */
export function zoomAround(
  zoom: TimelineZoom | null,
  whole: Span,
  at: number,
  factor: number,
): TimelineZoom | null {
  const all = whole.to - whole.from;
  if (all < ZOOMABLE_MS) return null;
  const { from, to } = shownSpan(zoom, whole);
  const length = Math.max(SHORTEST_MS, (to - from) / factor);
  if (length >= all) return null;
  const part = Math.min(1, Math.max(0, (at - from) / (to - from)));
  return placed(length, at + (1 - part) * length, whole);
}

/** Moves the part by `milliseconds`, later if they are positive. */
export function moveSpan(zoom: TimelineZoom | null, whole: Span, milliseconds: number): TimelineZoom | null {
  if (!zoom) return null;
  return placed(zoom.length, shownSpan(zoom, whole).to + milliseconds, whole);
}

/** Moves the part so that it contains the moment, if the moment was in it before and has just left it at its end. */
export function followMoment(
  zoom: TimelineZoom | null,
  whole: Span,
  before: number,
  at: number,
): TimelineZoom | null {
  const { from, to } = shownSpan(zoom, whole);
  const isIn = (moment: number): boolean => moment >= from && moment <= to;
  // A part that ends at the newest frame moves by itself.
  if (typeof zoom?.end !== "number" || !isIn(before) || isIn(at)) return zoom;
  // As a page that is turned: the moment has the whole part ahead of it.
  return placed(zoom.length, at > to ? at + zoom.length : at, whole);
}

function placed(length: number, end: number, whole: Span): TimelineZoom {
  const last = Math.max(end, whole.from + length);
  return { length, end: last >= whole.to - NEAR_END * length ? null : last };
}
