/** The part of a timeline that is to be saved. */

/** Milliseconds by the server's clock. */
export interface ClipRange {
  readonly from: number;
  readonly to: number;
}

/** From when to when there is something to play. */
interface Kept {
  readonly oldestAt: number;
  readonly newestAt: number;
}

const CLIP_MS = 10_000;
const SHORTEST_MS = 200;

/**
 * Returns the part of a clip that the server still keeps, or null if nothing is left of it. Ends that were dragged across
 * each other are put in order.
 */
export function keptPart(clip: ClipRange, { oldestAt, newestAt }: Kept): ClipRange | null {
  const clamp = (at: number): number => Math.min(newestAt, Math.max(oldestAt, at));
  const from = clamp(Math.min(clip.from, clip.to));
  const to = clamp(Math.max(clip.from, clip.to));
  return to - from < 1 ? null : { from, to };
}

/** Returns ten seconds around a moment, as far as they are kept. */
export function clipAround({ at, oldestAt, newestAt }: Kept & { readonly at: number }): ClipRange {
  const to = Math.min(newestAt, Math.max(at + CLIP_MS / 2, oldestAt + CLIP_MS));
  return { from: Math.max(oldestAt, to - CLIP_MS), to };
}

/** A longer past than this is not meant as a whole when only one end of a clip is set. */
const WHOLE_MS = 600_000;

/** Returns the clip that has one end here, if there is no clip yet. */
export function clipFrom(place: Kept & { readonly at: number }, end: keyof ClipRange): ClipRange {
  const { at, oldestAt, newestAt } = place;
  if (newestAt - oldestAt <= WHOLE_MS) return withEnd({ from: oldestAt, to: newestAt }, end, at);
  return end === "from"
    ? { from: at, to: Math.min(newestAt, at + CLIP_MS) }
    : { from: Math.max(oldestAt, at - CLIP_MS), to: at };
}

/** Moves one end of a clip, but never past the other end. */
export function withEnd(clip: ClipRange, end: keyof ClipRange, at: number): ClipRange {
  return end === "from"
    ? { from: at, to: Math.max(clip.to, at + SHORTEST_MS) }
    : { from: Math.min(clip.from, at - SHORTEST_MS), to: at };
}
