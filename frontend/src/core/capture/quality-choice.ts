/** The quality of a camera as one choice, for people who do not want to set the rate, the size and the JPEG quality. */

import { DEFAULTS, type CaptureSettings } from "./settings.js";

export type QualityChoice = "saver" | "balanced" | "sharp";
type QualitySettings = Pick<CaptureSettings, "fps" | "quality" | "width">;

export const QUALITY_CHOICES: Readonly<Record<QualityChoice, QualitySettings>> = {
  saver: { fps: 10, quality: 0.5, width: 640 },
  balanced: { fps: DEFAULTS.fps, quality: DEFAULTS.quality, width: DEFAULTS.width },
  sharp: { fps: 30, quality: 0.8, width: 1920 },
};

/** Returns the choice that these settings are; null if they are none of them. */
export function qualityChoice({ fps, quality, width }: QualitySettings): QualityChoice | null {
  for (const name of Object.keys(QUALITY_CHOICES) as QualityChoice[]) {
    const choice = QUALITY_CHOICES[name];
    if (choice.fps === fps && choice.quality === quality && choice.width === width) return name;
  }
  return null;
}
