/** What only viewers hear and say on `/stream/ws`, beside the messages of `protocol.ts`. */

import { MAX_BOXES } from "../limits.js";
import {
  cleanName,
  decodeServerMessage,
  isClientId,
  isCount,
  isFiniteNumber,
  isObject,
  parseObject,
  type ServerMessage,
} from "../protocol.js";

/** How old one camera's pictures were on the screen, and where the time went: means in milliseconds. */
export interface CameraLatency {
  readonly clientId: string;
  /** How many pictures the means are of. */
  readonly frames: number;
  /** From capture until the server had the frame; null if the camera does not say when that was. */
  readonly capture: number | null;
  /** From there until the frame went out. */
  readonly server: number;
  /** From there until it was on the screen. */
  readonly delivery: number;
  /** Sum of what is known. */
  readonly total: number;
}

/** Where a viewer is in what the server keeps of a camera. Times are milliseconds by the server's clock. */
export interface Playback {
  readonly clientId: string;
  readonly live: boolean;
  readonly speed: number;
  readonly sequence: number | null;
  readonly at: number | null;
  readonly oldestAt: number | null;
  readonly newestAt: number | null;
}

/** Something a program found in a picture; lengths in pixels of that picture. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly label?: string;
  /** 0 to 1. */
  readonly score?: number;
  readonly color?: string;
}

export type ViewerMessage =
  | ServerMessage
  | { readonly type: "latency"; readonly cameras: readonly CameraLatency[] }
  | ({ readonly type: "playback" } & Playback)
  | {
      readonly type: "result";
      readonly clientId: string;
      readonly sequence: number;
      readonly boxes: readonly Box[];
    };

const MAX_COORDINATE = 100_000;
// As the server takes it; a colour that is none is left out.
const COLOR = /^#[0-9a-f]{6}$/i;

/** Reads a text message; null for one we do not know or cannot read, which is to be ignored. */
export function decodeViewerMessage(text: string): ViewerMessage | null {
  const fields = parseObject(text);
  switch (fields?.type) {
    case "latency":
      if (!Array.isArray(fields.cameras)) return null;
      return {
        type: fields.type,
        cameras: fields.cameras.map(decodeLatency).filter((camera) => camera !== null),
      };
    case "playback":
      if (!isClientId(fields.clientId) || typeof fields.live !== "boolean") return null;
      return {
        type: fields.type,
        clientId: fields.clientId,
        live: fields.live,
        speed: isFiniteNumber(fields.speed) ? fields.speed : 1,
        sequence: isCount(fields.sequence) ? fields.sequence : null,
        at: numberOrNull(fields.at),
        oldestAt: numberOrNull(fields.oldestAt),
        newestAt: numberOrNull(fields.newestAt),
      };
    case "result":
      if (!isClientId(fields.clientId) || !isCount(fields.sequence)) return null;
      return {
        type: fields.type,
        clientId: fields.clientId,
        sequence: fields.sequence,
        // Left out where nothing was found.
        boxes: (Array.isArray(fields.boxes) ? fields.boxes : [])
          .slice(0, MAX_BOXES)
          .map(decodeBox)
          .filter((box) => box !== null),
      };
    default:
      return decodeServerMessage(text);
  }
}

function decodeLatency(value: unknown): CameraLatency | null {
  if (!isObject(value) || !isClientId(value.clientId)) return null;
  const { clientId, frames, server, delivery, total } = value;
  if (!isCount(frames) || !isFiniteNumber(server) || !isFiniteNumber(delivery) || !isFiniteNumber(total))
    return null;
  return { clientId, frames, capture: numberOrNull(value.capture), server, delivery, total };
}

function decodeBox(value: unknown): Box | null {
  if (!isObject(value)) return null;
  const { x, y, width, height, score, color } = value;
  if (!isCoordinate(x) || !isCoordinate(y) || !isCoordinate(width) || !isCoordinate(height)) return null;
  const label = cleanName(value.label);
  return {
    x,
    y,
    width,
    height,
    ...(label !== undefined && { label }),
    ...(isFiniteNumber(score) && { score }),
    ...(typeof color === "string" && COLOR.test(color) && { color }),
  };
}

function isCoordinate(value: unknown): value is number {
  return isFiniteNumber(value) && Math.abs(value) <= MAX_COORDINATE;
}

function numberOrNull(value: unknown): number | null {
  return isFiniteNumber(value) ? value : null;
}

// ── what we say ─────────────────────────────────────────────────────────────────────────────────

/** The most that a viewer has use for of one camera; what is left out has no limit. */
export interface Limits {
  readonly maxFps?: number;
  /** Pixels. */
  readonly maxWidth?: number;
  readonly quality?: number;
}

export function encodeSubscribe(clients: readonly string[] | "*", limits: Limits = {}): string {
  const { maxFps, maxWidth, quality } = limits;
  return JSON.stringify({ type: "subscribe", clients, maxFps, maxWidth, quality });
}

export function encodeUnsubscribe(clients: readonly string[]): string {
  return JSON.stringify({ type: "unsubscribe", clients });
}

/** `paintedAt` is by the server's clock; left out for a frame that will never be on the screen. */
export function encodeAck(clientId: string, sequence: number, paintedAt?: number): string {
  return JSON.stringify({ type: "ack", clientId, sequence, paintedAt });
}

/** Where to play from: a time by the server's clock, seconds before now, or a frame. */
export type Position = { readonly at: number } | { readonly back: number } | { readonly sequence: number };

/** `speed` 0 stands still, a negative one plays backwards. */
export function encodeSeek(clientId: string, position: Position, speed: number): string {
  return JSON.stringify({ type: "seek", clientId, ...position, speed });
}

export function encodeLive(clientId: string): string {
  return JSON.stringify({ type: "live", clientId });
}
