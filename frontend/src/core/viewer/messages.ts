/** The messages of `/stream/ws` that only viewers exchange with the server. `protocol.ts` has the others. */

import { MAX_BOXES, MAX_MARKS } from "../limits.js";
import {
  cleanName,
  decodeServerMessage,
  isCameraId,
  isCount,
  isFiniteNumber,
  isObject,
  parseObject,
  type ServerMessage,
} from "../protocol.js";
import type { ResultMark } from "./result-marks.js";

/** The latency breakdown of one camera: means in milliseconds. */
export interface CameraLatency {
  readonly cameraId: string;
  /** Number of frames in the means. */
  readonly frames: number;
  /** From the capture to the server; null if the camera does not send capture times. */
  readonly capture: number | null;
  /** From the arrival of the frame at the server until the server sent it. */
  readonly server: number;
  /** From the server to the screen. */
  readonly delivery: number;
  /** From the server that has the camera to this page's server; left out if this is the same server. */
  readonly transit?: number;
  /** Sum of the known stages. */
  readonly total: number;
}

/**
 * The timeline of a camera and the viewer's position in it. Times are milliseconds since the epoch by the server's
 * clock.
 */
export interface PlaybackMessage {
  readonly cameraId: string;
  readonly live: boolean;
  readonly speed: number;
  readonly sequence: number | null;
  readonly at: number | null;
  readonly oldestAt: number | null;
  readonly newestAt: number | null;
  /** The oldest frame in memory; null without one. Undefined if the server has no recordings of this camera. */
  readonly ringOldestAt?: number | null;
  /** When programs found something, oldest first; undefined if the server has not said so. */
  readonly results?: readonly ResultMark[];
}

/** A box of a detection result; lengths in pixels of the frame. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly label?: string;
  /** Confidence, 0 to 1. */
  readonly score?: number;
  readonly color?: string;
}

export type ViewerMessage =
  | ServerMessage
  /** What was wrong with something that this viewer sent. */
  | { readonly type: "error"; readonly error: string; readonly code: string }
  | { readonly type: "latency"; readonly cameras: readonly CameraLatency[] }
  | ({ readonly type: "playback" } & PlaybackMessage)
  | {
      readonly type: "result";
      readonly cameraId: string;
      readonly sequence: number;
      readonly boxes: readonly Box[];
    };

const MAX_COORDINATE = 100_000;
// The format that the server accepts; an invalid colour is left out.
const COLOR = /^#[0-9a-f]{6}$/i;

/** Reads a text message. Returns null for an unknown or invalid message, which the caller ignores. */
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
      if (!isCameraId(fields.clientId) || typeof fields.live !== "boolean") return null;
      return {
        type: fields.type,
        cameraId: fields.clientId,
        live: fields.live,
        speed: isFiniteNumber(fields.speed) ? fields.speed : 1,
        sequence: isCount(fields.sequence) ? fields.sequence : null,
        at: numberOrNull(fields.at),
        oldestAt: numberOrNull(fields.oldestAt),
        newestAt: numberOrNull(fields.newestAt),
        ...(fields.ringOldestAt !== undefined && { ringOldestAt: numberOrNull(fields.ringOldestAt) }),
        ...(Array.isArray(fields.results) && {
          results: fields.results.slice(0, MAX_MARKS).flatMap(decodeMark),
        }),
      };
    case "result":
      if (!isCameraId(fields.clientId) || !isCount(fields.sequence)) return null;
      return {
        type: fields.type,
        cameraId: fields.clientId,
        sequence: fields.sequence,
        // The server leaves `boxes` out if the result has none.
        boxes: (Array.isArray(fields.boxes) ? fields.boxes : [])
          .slice(0, MAX_BOXES)
          .map(decodeBox)
          .filter((box) => box !== null),
      };
    case "error":
      return {
        type: fields.type,
        error: cleanName(fields.error) ?? "",
        code: typeof fields.code === "string" ? fields.code : "",
      };
    default:
      return decodeServerMessage(text);
  }
}

function decodeLatency(value: unknown): CameraLatency | null {
  if (!isObject(value)) return null;
  const { clientId: cameraId, frames, server, delivery, total } = value;
  if (!isCameraId(cameraId)) return null;
  if (!isCount(frames) || !isFiniteNumber(server) || !isFiniteNumber(delivery) || !isFiniteNumber(total))
    return null;
  const stages = { cameraId, frames, capture: numberOrNull(value.capture), server, delivery, total };
  return isFiniteNumber(value.transit) ? { ...stages, transit: value.transit } : stages;
}

function decodeMark(value: unknown): ResultMark[] {
  const [from, to] = Array.isArray(value) ? (value as unknown[]) : [];
  return isFiniteNumber(from) && isFiniteNumber(to) ? [{ from, to }] : [];
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

// ── messages to the server ──────────────────────────────────────────────────────────────────────

/** The most that a viewer needs of one camera; a field that is left out sets no limit. */
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

/**
 * `paintedAt` is by the server's clock. It is left out for a frame that is never painted, or if the time says nothing
 * about the latency.
 */
export function encodeAck(cameraId: string, sequence: number, paintedAt?: number): string {
  return JSON.stringify({ type: "ack", clientId: cameraId, sequence, paintedAt });
}

/** Where a playback starts: a time by the server's clock, seconds before now, or a sequence number. */
export type Position = { readonly at: number } | { readonly back: number } | { readonly sequence: number };

/** One camera, or several cameras that are played in step. */
export type CameraIds = string | readonly string[];

/** `speed` 0 pauses, a negative speed plays backwards. Several cameras have no sequence numbers in common. */
export function encodeSeek(cameras: CameraIds, position: Position, speed: number): string {
  return JSON.stringify({ type: "seek", ...named(cameras), ...position, speed });
}

export function encodeLive(cameras: CameraIds): string {
  return JSON.stringify({ type: "live", ...named(cameras) });
}

/** Asks where the viewer is in the timelines of cameras. The answers are messages of the same type, one for each. */
export function encodeDescribe(cameras: CameraIds): string {
  return JSON.stringify({ type: "playback", ...named(cameras) });
}

function named(cameras: CameraIds): object {
  return typeof cameras === "string" ? { clientId: cameras } : { clients: cameras };
}
