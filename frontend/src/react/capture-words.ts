/** What a camera sends and why, in words. */

import type { CaptureSnapshot } from "../core/capture/snapshot.js";

/** Who watches and what is sent for them; null while that is not known. */
export function describeDemand({ demand, settings, sending }: CaptureSnapshot): string | null {
  if (demand === null) return null;
  const who =
    demand.viewers === 0
      ? "Nobody is watching"
      : `${demand.viewers.toLocaleString("en")} ${demand.viewers === 1 ? "is" : "are"} watching`;
  if (sending.fps < 1) return `${who}, one picture every ${rounded(1 / sending.fps)} s.`;
  const rate =
    sending.fps < settings.fps
      ? `${rounded(sending.fps)} of ${settings.fps} fps`
      : `${rounded(sending.fps)} fps`;
  return `${who}, sending ${rate} at ${sending.width} px, quality ${percent(sending.quality)}.`;
}

/** What the uplink makes us give up; null if it is nothing. */
export function describeUplink({ narrow, sending }: CaptureSnapshot): string | null {
  if (!narrow) return null;
  return `The uplink is narrow: quality ${percent(sending.quality)}, ${sending.width} px, ${rounded(sending.fps)} fps.`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function rounded(value: number): string {
  return value.toFixed(value < 9.95 ? 1 : 0).replace(/\.0$/, "");
}
