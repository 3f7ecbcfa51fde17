/** What the server needs of this camera, and what is sent then: never more than the person has set. */

import type { EncoderSettings } from "./encode-loop.js";

/** null means no limit. */
export interface Demand {
  /** How many watch it live. */
  readonly viewers: number;
  readonly maxFps: number | null;
  /** Pixels of the longer side. */
  readonly maxWidth: number | null;
  /** JPEG quality, above 0 to 1. */
  readonly quality: number | null;
}

/** Below this an encoder gives pictures nobody can use. */
const LEAST_WIDTH = 64;
const LEAST_QUALITY = 0.1;
/** One picture a minute keeps a camera from being taken for dead, whatever it is asked for. */
const LEAST_FPS = 1 / 60;

export function within(own: EncoderSettings, demand: Demand | null): EncoderSettings {
  return {
    fps: Math.min(own.fps, Math.max(LEAST_FPS, demand?.maxFps ?? Infinity)),
    width: Math.min(own.width, Math.max(LEAST_WIDTH, demand?.maxWidth ?? Infinity)),
    quality: Math.min(own.quality, Math.max(LEAST_QUALITY, demand?.quality ?? Infinity)),
  };
}

export function sameSettings(a: EncoderSettings, b: EncoderSettings): boolean {
  return a.fps === b.fps && a.width === b.width && a.quality === b.quality;
}
