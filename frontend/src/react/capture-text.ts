/** Describes in text what a camera sends, and why it sends no more. */

import type { CaptureSnapshot } from "../core/capture/snapshot.js";
import type { Words } from "../core/words/words.js";

/** Returns null while the number of viewers is unknown. */
export function describeViewers({ demand }: CaptureSnapshot, words: Words): string | null {
  if (demand === null) return null;
  return words.sending.viewers(demand.viewers, words.format.count(demand.viewers));
}

/** Describes what is sent: "15 fps · 640 px · 155 kB/s". Returns null before the first picture. */
export function describeSending({ sending, stats }: CaptureSnapshot, words: Words): string | null {
  const width = Math.max(stats.width, stats.height);
  if (width === 0) return null;
  const rate = sending.fps < 1 ? everySo(sending.fps, words) : `${words.format.short(stats.fps)} fps`;
  return `${rate} · ${width} px · ${words.format.rate(stats.bytesPerSecond)}`;
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
export function describeReason(snapshot: CaptureSnapshot, words: Words): Reason | null {
  const trouble = describeTrouble(snapshot, words);
  if (trouble !== null) return { text: trouble, isTrouble: true };
  const { demand, settings, sending } = snapshot;
  const { short } = words.format;
  if (demand === null) return null;
  if (sending.fps < 1) {
    // How many are sent is said beside it.
    const text = demand.viewers === 0 ? words.sending.nobodyWatches : words.sending.noMoreNeeded;
    return { text, isTrouble: false };
  }
  const rate =
    sending.fps < settings.fps ? words.sending.fpsOf(short(sending.fps), short(settings.fps)) : null;
  const width = sending.width < settings.width ? words.sending.pixelsOf(sending.width, settings.width) : null;
  const needs = [rate, width].filter((need) => need !== null).join(", ");
  if (needs === "") return null;
  return { text: words.sending.onlyNeeded(needs), isTrouble: false };
}

function describeTrouble(snapshot: CaptureSnapshot, words: Words): string | null {
  const { refusedFrame, refusedCode, tooLarge, limit, sending, stats } = snapshot;
  const { short, percent } = words.format;
  // With next to no pictures, the uplink is not what limits the camera.
  const narrow = snapshot.narrow && sending.fps >= 1;
  if (refusedFrame !== null && refusedFrame !== undefined)
    return words.sending.frameRefused(words.refusals[refusedCode ?? ""] ?? refusedFrame.replace(/\.$/, ""));
  if (tooLarge === true) return words.sending.tooLarge;
  if (snapshot.posting === true) return words.sending.posting;
  const rates = words.sending.fpsOf(short(stats.fps), short(sending.fps));
  if (limit === "device") return words.sending.device(rates);
  if (limit === "camera") return words.sending.camera(rates);
  if (narrow) return words.sending.narrow(short(sending.fps), sending.width, percent(sending.quality));
  return limit === "uplink" ? words.sending.uplink(rates) : null;
}

function everySo(fps: number, words: Words): string {
  return words.sending.oneEvery(words.format.short(1 / fps));
}
