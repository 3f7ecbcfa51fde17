/** The messages of `/ws` that only cameras receive. */

import { decodeServerMessage, isFiniteNumber, parseObject, type ServerMessage } from "../protocol.js";
import type { Demand } from "./demand.js";

export type CaptureMessage =
  | ServerMessage
  | ({ readonly type: "demand" } & Demand)
  /** The server refused a frame; the connection stays open. */
  | { readonly type: "error"; readonly error: string; readonly code?: string };

/** Reads a text message. Returns null for an unknown or invalid message, which the caller ignores. */
export function decodeCaptureMessage(text: string): CaptureMessage | null {
  const fields = parseObject(text);
  if (fields?.type === "error") {
    const error = cleanText(fields.error);
    return typeof fields.code === "string"
      ? { type: "error", error, code: fields.code }
      : { type: "error", error };
  }
  if (fields?.type !== "demand") return decodeServerMessage(text);
  return {
    type: "demand",
    viewers: positive(fields.viewers) ?? 0,
    maxFps: positive(fields.maxFps),
    maxWidth: positive(fields.maxWidth),
    quality: positive(fields.quality),
  };
}

/** Returns a text for people, without characters that could confuse them. */
function cleanText(value: unknown): string {
  return typeof value === "string"
    ? value.replace(/\p{C}+/gu, " ").slice(0, 200)
    : "the server gave no reason";
}

/** Returns null, which means no limit, for anything but a positive number. */
function positive(value: unknown): number | null {
  return isFiniteNumber(value) && value > 0 ? value : null;
}
