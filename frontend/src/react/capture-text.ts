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

/** Says what keeps the camera below the rate or size that it tries to send. Returns null if nothing does. */
export function describeLimit(snapshot: CaptureSnapshot): string | null {
  const { limit, sending, stats, narrow, tooLarge } = snapshot;
  if (tooLarge === true) return "The server takes no larger pictures, so they are smaller than you chose.";
  const rates = `${rounded(stats.fps)} of ${rounded(sending.fps)} fps`;
  if (limit === "device") return `This device manages ${rates}.`;
  if (limit === "camera") return `The camera delivers ${rates}.`;
  return limit === "uplink" && !narrow ? `The connection carries ${rates}.` : null;
}

/** Says why the server refused a picture. Returns null if it has refused none lately. */
export function describeRefusal({ refusedFrame }: CaptureSnapshot): string | null {
  return refusedFrame === null || refusedFrame === undefined
    ? null
    : `The server refused a picture: ${refusedFrame.replace(/\.$/, "")}.`;
}

function describeSending({ settings, sending, stats, limit }: CaptureSnapshot): string {
  if (sending.fps < 1) return `one picture every ${rounded(1 / sending.fps)} s`;
  const fps = limit ? stats.fps : sending.fps;
  const rate = fps < settings.fps ? `${rounded(fps)} of ${settings.fps} fps` : `${rounded(fps)} fps`;
  // The camera may have fewer pixels than the settings ask for.
  const taken = Math.max(stats.width, stats.height);
  const width = taken > 0 ? Math.min(taken, sending.width) : sending.width;
  return `sending ${rate} at ${width} px, quality ${percent(sending.quality)}`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function rounded(value: number): string {
  return value.toFixed(value < 9.95 ? 1 : 0).replace(/\.0$/, "");
}
