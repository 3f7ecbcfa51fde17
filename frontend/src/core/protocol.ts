/** The wire: what goes over `/ws` and `/stream/ws`, as values. Twin of the Python package `skysentry_trio.wire`. */

import { MAX_CAMERA_ID_LENGTH, MAX_HEADER_BYTES, MAX_NAME_LENGTH } from "./limits.js";

export const VIEWER_SUBPROTOCOL = "skysentry.v1";

/** WebSocket close codes that change what we do next. */
export const CloseCode = {
  policyViolation: 1008,
  messageTooBig: 1009,
  tryAgainLater: 1013,
  replaced: 4001,
} as const;

// "." and ".." would be folders in an address.
const CLIENT_ID = new RegExp(`^(?!\\.{1,2}$)[A-Za-z0-9._-]{1,${MAX_CAMERA_ID_LENGTH}}$`);
// Controls, and the marks that reorder the text around a label.
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

export function isClientId(value: unknown): value is string {
  return typeof value === "string" && CLIENT_ID.test(value);
}

/** A label as it may be shown: printable, one line, bounded; undefined when nothing is left. */
export function cleanName(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const name = value.replace(/\s+/g, " ").replace(UNPRINTABLE, "").trim();
  return name === "" ? undefined : Array.from(name).slice(0, MAX_NAME_LENGTH).join("");
}

// ── frames ──────────────────────────────────────────────────────────────────────────────────────

export interface FrameHeader {
  readonly clientId: string;
  /** Counts the camera's accepted frames from 1, across reconnects. */
  readonly sequence: number;
  /** When the server took the frame, in milliseconds since the epoch by the server's clock. */
  readonly timestamp: number;
  /** When the picture was taken, by the server's clock, if the capture side said so. */
  readonly capturedAt?: number;
  readonly size: number;
  readonly fps?: number;
  /** False for a frame of a playback; left out by servers that know none. */
  readonly live?: boolean;
}

export interface Envelope {
  readonly header: FrameHeader;
  /** A view into the message that was decoded, not a copy. */
  readonly jpeg: Uint8Array<ArrayBuffer>;
}

/** The bytes were not what the protocol says; the message tells what was expected and what came. */
export class ProtocolError extends Error {
  override name = "ProtocolError";
}

/**
 * Reads one binary message of `skysentry.v1`: length (2 bytes, big-endian), JSON header, JPEG.
 * Throws ProtocolError.
 */
export function decodeEnvelope(message: ArrayBuffer): Envelope {
  if (message.byteLength < 2) {
    throw new ProtocolError(`expected an envelope, got ${message.byteLength} bytes`);
  }
  const headerLength = new DataView(message).getUint16(0);
  if (headerLength > MAX_HEADER_BYTES || 2 + headerLength > message.byteLength) {
    throw new ProtocolError(
      `expected a header of at most ${Math.min(MAX_HEADER_BYTES, message.byteLength - 2)} bytes, got ${headerLength}`,
    );
  }
  const fields = parseObject(new TextDecoder().decode(new Uint8Array(message, 2, headerLength)));
  if (fields?.type !== "frame") throw new ProtocolError("expected a header of type frame");
  const { clientId, sequence, timestamp, capturedAt, fps, live } = fields;
  if (!isClientId(clientId))
    throw new ProtocolError("expected a client id of 1-64 letters, digits, '.', '_', '-'");
  if (!isCount(sequence)) throw new ProtocolError("expected a sequence number");
  const at = parseTime(timestamp);
  if (at === undefined) throw new ProtocolError("expected an RFC 3339 timestamp");
  const jpeg = new Uint8Array(message, 2 + headerLength);
  if (!isJpeg(jpeg)) throw new ProtocolError("expected a JPEG after the header");
  const header: Mutable<FrameHeader> = { clientId, sequence, timestamp: at, size: jpeg.byteLength };
  if (isFiniteNumber(capturedAt)) header.capturedAt = capturedAt;
  if (isFiniteNumber(fps)) header.fps = fps;
  if (typeof live === "boolean") header.live = live;
  return { header, jpeg };
}

/** Writes an envelope around a JPEG; fields are written as given. */
export function encodeEnvelope(
  header: Readonly<Record<string, unknown>>,
  jpeg: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(JSON.stringify(header));
  if (json.byteLength > MAX_HEADER_BYTES) {
    throw new ProtocolError(`expected a header of at most ${MAX_HEADER_BYTES} bytes, got ${json.byteLength}`);
  }
  const message = new Uint8Array(2 + json.byteLength + jpeg.byteLength);
  new DataView(message.buffer).setUint16(0, json.byteLength);
  message.set(json, 2);
  message.set(jpeg, 2 + json.byteLength);
  return message;
}

export function isJpeg(bytes: Uint8Array): boolean {
  return bytes.byteLength > 3 && bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

// ── what a server says ──────────────────────────────────────────────────────────────────────────

/** What the server knows of one camera. */
export interface CameraInfo {
  readonly clientId: string;
  readonly name?: string;
  readonly online: boolean;
  readonly fps?: number;
}

export interface ClockMessage {
  readonly type: "clock";
  readonly sentAt: number;
  /** Only in an answer. */
  readonly serverAt?: number;
}

/** Text messages we act on, from either endpoint. */
export type ServerMessage =
  | { readonly type: "registration-success"; readonly clientId: string }
  | { readonly type: "registration-error"; readonly error: string; readonly code?: string }
  | { readonly type: "clients"; readonly clients: readonly CameraInfo[] }
  | { readonly type: "client-connected"; readonly camera: CameraInfo }
  /** `removed`: the server has forgotten the camera and its pictures too. */
  | { readonly type: "client-disconnected"; readonly clientId: string; readonly removed: boolean }
  | ClockMessage;

/** Reads a text message; null for one we do not know or cannot read, which is to be ignored. */
export function decodeServerMessage(text: string): ServerMessage | null {
  const fields = parseObject(text);
  if (fields === null) return null;
  switch (fields.type) {
    case "registration-success":
      return isClientId(fields.clientId) ? { type: fields.type, clientId: fields.clientId } : null;
    case "registration-error": {
      const error = cleanName(fields.error) ?? "the server gave no reason";
      return typeof fields.code === "string"
        ? { type: fields.type, error, code: fields.code }
        : { type: fields.type, error };
    }
    case "clients":
      return Array.isArray(fields.clients)
        ? { type: fields.type, clients: decodeCameras(fields.clients) }
        : null;
    case "client-connected": {
      const camera = decodeCamera({ ...fields, online: true });
      return camera && { type: fields.type, camera };
    }
    case "client-disconnected":
      return isClientId(fields.clientId)
        ? { type: fields.type, clientId: fields.clientId, removed: fields.removed === true }
        : null;
    case "clock":
      if (!isFiniteNumber(fields.sentAt)) return null;
      return isFiniteNumber(fields.serverAt)
        ? { type: fields.type, sentAt: fields.sentAt, serverAt: fields.serverAt }
        : { type: fields.type, sentAt: fields.sentAt };
    default:
      return null;
  }
}

/** Reads the list in a `clients` message or in `details` of `GET /api/clients`; skips what it cannot read. */
export function decodeCameras(list: readonly unknown[]): CameraInfo[] {
  return list.map(decodeCamera).filter((camera) => camera !== null);
}

function decodeCamera(value: unknown): CameraInfo | null {
  if (!isObject(value) || !isClientId(value.clientId)) return null;
  const camera: Mutable<CameraInfo> = { clientId: value.clientId, online: value.online !== false };
  const name = cleanName(value.name);
  if (name !== undefined) camera.name = name;
  if (isFiniteNumber(value.fps)) camera.fps = value.fps;
  return camera;
}

// ── what we say ─────────────────────────────────────────────────────────────────────────────────

export interface Registration {
  readonly clientId: string;
  readonly name?: string | undefined;
  readonly token?: string | undefined;
  readonly capabilities?: readonly string[];
}

export function encodeRegistration(registration: Registration): string {
  return JSON.stringify({ type: "client-registration", ...registration });
}

export function encodeClock(sentAt: number, serverAt?: number): string {
  return JSON.stringify({ type: "clock", sentAt, serverAt });
}

export function encodeControl(type: "pause" | "resume"): string {
  return JSON.stringify({ type });
}

// ── reading untrusted JSON ──────────────────────────────────────────────────────────────────────

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Milliseconds since the epoch of an RFC 3339 time. */
export function parseTime(value: unknown): number | undefined {
  if (typeof value !== "string") return undefined;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : at;
}

export function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isFiniteNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

export function isCount(value: unknown): value is number {
  return isFiniteNumber(value) && Number.isInteger(value) && value >= 0;
}
