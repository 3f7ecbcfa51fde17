/** What a server says to a camera, beyond what it says to everybody. */

import { decodeServerMessage, isFiniteNumber, parseObject, type ServerMessage } from "../protocol.js";
import type { Demand } from "./demand.js";

export type CaptureMessage = ServerMessage | ({ readonly type: "demand" } & Demand);

/** Reads a text message; null for one we do not know or cannot read, which is to be ignored. */
export function decodeCaptureMessage(text: string): CaptureMessage | null {
  const fields = parseObject(text);
  if (fields?.type !== "demand") return decodeServerMessage(text);
  return {
    type: "demand",
    viewers: positive(fields.viewers) ?? 0,
    maxFps: positive(fields.maxFps),
    maxWidth: positive(fields.maxWidth),
    quality: positive(fields.quality),
  };
}

/** What is no limit, however it is written, must not become one. */
function positive(value: unknown): number | null {
  return isFiniteNumber(value) && value > 0 ? value : null;
}
