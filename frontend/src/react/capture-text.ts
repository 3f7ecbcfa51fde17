/** Describes in text what a camera sends, and why. */

import type { CaptureSnapshot } from "../core/capture/snapshot.js";

/**
 * Describes how many viewers watch. Also describes what is sent, unless `describeUplink` does this. Returns null while
 * the demand is unknown.
 */
export function describeDemand(snapshot: CaptureSnapshot): string | null {
  const { demand, narrow } = snapshot;
  if (demand === null) return null;
  const viewers =
    demand.viewers === 0
      ? "Nobody is watching"
      : `${demand.viewers.toLocaleString("en")} ${demand.viewers === 1 ? "is" : "are"} watching`;
  return narrow ? `${viewers}.` : `${viewers}, ${describeSending(snapshot)}.`;
}

/** Describes what is sent over a slow uplink. Returns null if the uplink is fast enough. */
export function describeUplink(snapshot: CaptureSnapshot): string | null {
  return snapshot.narrow ? `The uplink is narrow: ${describeSending(snapshot)}.` : null;
}

function describeSending({ settings, sending }: CaptureSnapshot): string {
  if (sending.fps < 1) return `one picture every ${rounded(1 / sending.fps)} s`;
  const rate =
    sending.fps < settings.fps
      ? `${rounded(sending.fps)} of ${settings.fps} fps`
      : `${rounded(sending.fps)} fps`;
  return `sending ${rate} at ${sending.width} px, quality ${percent(sending.quality)}`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function rounded(value: number): string {
  return value.toFixed(value < 9.95 ? 1 : 0).replace(/\.0$/, "");
}
