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
/** The shortest part that can be shown: single frames can be told apart. */
const SHORTEST_MS = 2000;
/** The part of a long past that is shown at first. */
export const FIRST_ZOOM: TimelineZoom = { length: 3_600_000, end: null };
/** A moment that changes by more than this has not only been played on. */
const JUMP_MS = 5000;
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

/**
 * Moves the part so that it contains the moment, if the moment was in it before and has just left it, or if it was far
 * from there. A person who looks elsewhere while a playback goes on is left alone.
 */
export function followMoment(
  zoom: TimelineZoom | null,
  whole: Span,
  before: number,
  at: number,
): TimelineZoom | null {
  const { from, to } = shownSpan(zoom, whole);
  const isIn = (moment: number): boolean => moment >= from && moment <= to;
  if (!zoom || isIn(at) || zoom.length >= whole.to - whole.from) return zoom;
  if (Math.abs(at - before) > JUMP_MS) return placed(zoom.length, at + zoom.length / 2, whole);
  // A part that ends at the newest frame moves by itself.
  if (zoom.end === null || !isIn(before)) return zoom;
  // As a page that is turned: the moment has the whole part ahead of it.
  return placed(zoom.length, at > to ? at + zoom.length : at, whole);
}

/** Returns the zoom that shows a span, for example a day. */
export function zoomTo(span: Span, whole: Span): TimelineZoom | null {
  const length = Math.max(SHORTEST_MS, Math.min(span.to, whole.to) - Math.max(span.from, whole.from));
  return length >= whole.to - whole.from ? null : placed(length, Math.min(span.to, whole.to), whole);
}

function placed(length: number, end: number, whole: Span): TimelineZoom {
  const last = Math.max(end, whole.from + length);
  return { length, end: last >= whole.to - NEAR_END * length ? null : last };
}
