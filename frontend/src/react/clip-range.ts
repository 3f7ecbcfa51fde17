/** The part of a timeline that is to be saved. */

import type { PlaybackState } from "../core/viewer/playback.js";

/** Milliseconds by the server's clock. */
export interface ClipRange {
  readonly from: number;
  readonly to: number;
}

const CLIP_MS = 10_000;
const SHORTEST_MS = 200;

/**
 * Returns the part of a clip that the server still keeps, or null if nothing is left of it. Ends that were dragged across
 * each other are put in order.
 */
export function keptPart(clip: ClipRange, { oldestAt, newestAt }: PlaybackState): ClipRange | null {
  const clamp = (at: number): number => Math.min(newestAt, Math.max(oldestAt, at));
  const from = clamp(Math.min(clip.from, clip.to));
  const to = clamp(Math.max(clip.from, clip.to));
  return to - from < 1 ? null : { from, to };
}

/** Returns ten seconds around a moment, as far as they are kept. */
export function clipAround({ at, oldestAt, newestAt }: PlaybackState): ClipRange {
  const to = Math.min(newestAt, Math.max(at + CLIP_MS / 2, oldestAt + CLIP_MS));
  return { from: Math.max(oldestAt, to - CLIP_MS), to };
}

/** Moves one end of a clip, but never past the other end. */
export function withEnd(clip: ClipRange, end: keyof ClipRange, at: number): ClipRange {
  return end === "from"
    ? { from: at, to: Math.max(clip.to, at + SHORTEST_MS) }
    : { from: Math.min(clip.from, at - SHORTEST_MS), to: at };
}
