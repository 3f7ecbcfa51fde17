/** The demand for this camera, and how the demand limits what is sent. */

import type { EncoderSettings } from "./encode-loop.js";

/** null means no limit. */
export interface Demand {
  /** Number of viewers that watch the camera live. */
  readonly viewers: number;
  readonly maxFps: number | null;
  /** Pixels of the longer side. */
  readonly maxWidth: number | null;
  /** JPEG quality, above 0 to 1. */
  readonly quality: number | null;
}

/** Frames below these limits would be useless. */
const MIN_WIDTH = 64;
const MIN_QUALITY = 0.1;
/** One frame a minute shows that the camera works. So the rate is never lower, even if viewers need less. */
const MIN_FPS = 1 / 60;

/** Returns `own` limited to `demand`. So the result is never more than `own`, which the person has set. */
export function limitToDemand(own: EncoderSettings, demand: Demand | null): EncoderSettings {
  return {
    fps: Math.min(own.fps, Math.max(MIN_FPS, demand?.maxFps ?? Infinity)),
    width: Math.min(own.width, Math.max(MIN_WIDTH, demand?.maxWidth ?? Infinity)),
    quality: Math.min(own.quality, Math.max(MIN_QUALITY, demand?.quality ?? Infinity)),
  };
}

export function sameSettings(a: EncoderSettings, b: EncoderSettings): boolean {
  return a.fps === b.fps && a.width === b.width && a.quality === b.quality;
}
