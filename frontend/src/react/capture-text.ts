/** Describes in text what a camera sends, and why it sends no more. */

import type { CaptureSnapshot } from "../core/capture/snapshot.js";
import { formatRate } from "./format.js";

/** Returns null while the number of viewers is unknown. */
export function describeViewers({ demand }: CaptureSnapshot): string | null {
  if (demand === null) return null;
  return `${demand.viewers.toLocaleString("en")} ${demand.viewers === 1 ? "viewer" : "viewers"}`;
}

/** Describes what is sent: "15 fps · 640 px · 155 kB/s". Returns null before the first picture. */
export function describeSending({ sending, stats }: CaptureSnapshot): string | null {
  const width = Math.max(stats.width, stats.height);
  if (width === 0) return null;
  const rate = sending.fps < 1 ? everySo(sending.fps) : `${rounded(stats.fps)} fps`;
  return `${rate} · ${width} px · ${formatRate(stats.bytesPerSecond)}`;
}

export interface Reason {
  readonly text: string;
  /** Whether something is too slow or refuses pictures; if not, no more is needed. */
  readonly isTrouble: boolean;
}

/**
 * Says in one line what keeps the camera below its settings: the server, the camera, the device, the uplink or the
 * viewers. Returns null if nothing does.
 */
export function describeReason(snapshot: CaptureSnapshot): Reason | null {
  const trouble = describeTrouble(snapshot);
  if (trouble !== null) return { text: trouble, isTrouble: true };
  const { demand, settings, sending } = snapshot;
  if (demand === null) return null;
  if (sending.fps < 1) {
    const who = demand.viewers === 0 ? "Nobody watches" : "Viewers need no more";
    return { text: `${who}: ${everySo(sending.fps)}.`, isTrouble: false };
  }
  const rate = sending.fps < settings.fps ? `${rounded(sending.fps)} of ${settings.fps} fps` : null;
  const width = sending.width < settings.width ? `${sending.width} of ${settings.width} px` : null;
  const needs = [rate, width].filter((need) => need !== null).join(", ");
  if (needs === "") return null;
  return { text: `Viewers need only ${needs}.`, isTrouble: false };
}

function describeTrouble(snapshot: CaptureSnapshot): string | null {
  const { refusedFrame, tooLarge, limit, sending, stats } = snapshot;
  // With next to no pictures, the uplink is not what limits the camera.
  const narrow = snapshot.narrow && sending.fps >= 1;
  if (refusedFrame !== null && refusedFrame !== undefined)
    return `The server refused a picture: ${refusedFrame.replace(/\.$/, "")}.`;
  if (tooLarge === true) return "The server takes no larger pictures, so they are smaller than you chose.";
  const rates = `${rounded(stats.fps)} of ${rounded(sending.fps)} fps`;
  if (limit === "device") return `This device manages ${rates}.`;
  if (limit === "camera") return `The camera delivers ${rates}.`;
  if (narrow) {
    const quality = `quality ${Math.round(sending.quality * 100)} %`;
    return `The uplink is narrow: ${rounded(sending.fps)} fps at ${sending.width} px, ${quality}.`;
  }
  return limit === "uplink" ? `The uplink carries ${rates}.` : null;
}

function everySo(fps: number): string {
  return `one picture every ${rounded(1 / fps)} s`;
}

function rounded(value: number): string {
  return value.toFixed(value < 9.95 ? 1 : 0).replace(/\.0$/, "");
}
