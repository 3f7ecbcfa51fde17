/**
 * Encodes and decodes the messages of `/ws` and `/stream/ws`, as the Python package `skysentry_trio.wire` does.
 *
 * On the wire a camera's id is called `clientId`, as in SkySentry Go; in the decoded values it is `cameraId`.
 */

import { MAX_CAMERA_ID_LENGTH, MAX_HEADER_BYTES, MAX_NAME_LENGTH } from "./limits.js";

export const VIEWER_SUBPROTOCOL = "skysentry.v1";

/** WebSocket close codes that decide how the page reacts. */
export const CloseCode = {
  policyViolation: 1008,
  messageTooBig: 1009,
  tryAgainLater: 1013,
  replaced: 4001,
  accessEnded: 4003,
} as const;

// "." and ".." would name folders in an address.
const CAMERA_ID = new RegExp(`^(?!\\.{1,2}$)[A-Za-z0-9._-]{1,${MAX_CAMERA_ID_LENGTH}}$`);
// Control characters, lone surrogates, and marks that reorder the text around a label.
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

export function isCameraId(value: unknown): value is string {
  return typeof value === "string" && CAMERA_ID.test(value);
}

/**
 * Returns a label that is safe to show: printable, on one line, of limited length. Returns undefined if nothing is
 * left.
 */
export function cleanName(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const name = value.replace(/\s+/g, " ").replace(UNPRINTABLE, "").trim();
  return name === "" ? undefined : Array.from(name).slice(0, MAX_NAME_LENGTH).join("");
}

// ── frames ──────────────────────────────────────────────────────────────────────────────────────

export interface FrameHeader {
  readonly cameraId: string;
  /** Counts the camera's accepted frames from 1, also across reconnects. */
  readonly sequence: number;
  /** When the server received the frame, in milliseconds since the epoch by the server's clock. */
  readonly timestamp: number;
  /** When the frame was captured, by the server's clock; left out if the camera does not send it. */
  readonly capturedAt?: number;
  /** Bytes of the JPEG. */
  readonly size: number;
  readonly fps?: number;
  /** False for a frame of a playback; left out by servers without playback. */
  readonly live?: boolean;
}

export interface Envelope {
  readonly header: FrameHeader;
  /** A view of the decoded message, not a copy. */
  readonly jpeg: Uint8Array<ArrayBuffer>;
}

/** A message violates the protocol. The error says what was expected and what came. */
export class ProtocolError extends Error {
  override name = "ProtocolError";
}

/**
 * Reads a binary message of `skysentry.v1`: header length (2 bytes, big-endian), JSON header, JPEG.
 * Throws ProtocolError if the message is invalid.
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
  const { clientId: cameraId, sequence, timestamp, capturedAt, fps, live } = fields;
  if (!isCameraId(cameraId))
    throw new ProtocolError("expected a camera id of 1-64 letters, digits, '.', '_', '-'");
  if (!isCount(sequence)) throw new ProtocolError("expected a sequence number");
  const at = parseTime(timestamp);
  if (at === undefined) throw new ProtocolError("expected an RFC 3339 timestamp");
  const jpeg = new Uint8Array(message, 2 + headerLength);
  if (!isJpeg(jpeg)) throw new ProtocolError("expected a JPEG after the header");
  const header: Mutable<FrameHeader> = { cameraId, sequence, timestamp: at, size: jpeg.byteLength };
  if (isFiniteNumber(capturedAt)) header.capturedAt = capturedAt;
  if (isFiniteNumber(fps)) header.fps = fps;
  if (typeof live === "boolean") header.live = live;
  return { header, jpeg };
}

/** Encodes a JPEG with a header, whose fields are written as given. Throws ProtocolError if the header is too long. */
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

// ── messages of the server ──────────────────────────────────────────────────────────────────────

/** What is wrong with the pictures of a camera: always the same one, dark, or bright with nothing to be seen in it. */
export type PictureCondition = (typeof CONDITIONS)[number];
const CONDITIONS = ["frozen", "dark", "covered"] as const;

/** What the server reports about one camera. */
export interface CameraInfo {
  readonly cameraId: string;
  readonly name?: string;
  readonly online: boolean;
  /** The camera is offline because its owner stopped it. Left out if the server does not say so. */
  readonly stopped?: boolean;
  /** False if another server has the camera, and does not answer this one. Left out otherwise. */
  readonly reachable?: boolean;
  /** What is wrong with the pictures. Left out if nothing is. */
  readonly condition?: PictureCondition;
  readonly fps?: number;
}

export interface ClockMessage {
  readonly type: "clock";
  readonly sentAt: number;
  /** Left out in a question. */
  readonly serverAt?: number;
}

/** The text messages that the server sends on both endpoints, and that this code uses. */
export type ServerMessage =
  | {
      readonly type: "registration-success";
      readonly cameraId: string;
      /** The most bytes that a frame may have. Left out if the server does not state it. */
      readonly maxFrameSize?: number;
      /** Parts of the protocol that the server uses. Left out if the server does not state them. */
      readonly capabilities?: readonly string[];
    }
  | { readonly type: "registration-error"; readonly error: string; readonly code?: string }
  | { readonly type: "clients"; readonly cameras: readonly CameraInfo[] }
  | { readonly type: "client-connected"; readonly camera: CameraInfo }
  /** `removed` means that the server has forgotten the camera and its frames. */
  | {
      readonly type: "client-disconnected";
      readonly cameraId: string;
      readonly removed: boolean;
      readonly stopped: boolean;
    }
  /** The answer to a token. `expiresAt` is in milliseconds by the server's clock; left out if the access does not end. */
  | { readonly type: "authenticated"; readonly expiresAt?: number }
  | ClockMessage;

/** Reads a text message. Returns null for an unknown or invalid message, which the caller ignores. */
export function decodeServerMessage(text: string): ServerMessage | null {
  const fields = parseObject(text);
  if (fields === null) return null;
  switch (fields.type) {
    case "registration-success":
      if (!isCameraId(fields.clientId)) return null;
      return {
        type: fields.type,
        cameraId: fields.clientId,
        ...(isCount(fields.maxFrameSize) && fields.maxFrameSize > 0 && { maxFrameSize: fields.maxFrameSize }),
        ...(Array.isArray(fields.capabilities) && {
          capabilities: fields.capabilities.filter((word) => typeof word === "string"),
        }),
      };
    case "registration-error": {
      const error = cleanName(fields.error) ?? "the server gave no reason";
      return typeof fields.code === "string"
        ? { type: fields.type, error, code: fields.code }
        : { type: fields.type, error };
    }
    case "clients":
      return Array.isArray(fields.clients)
        ? { type: fields.type, cameras: decodeCameras(fields.clients) }
        : null;
    case "client-connected": {
      const camera = decodeCamera({ ...fields, online: true });
      return camera && { type: fields.type, camera };
    }
    case "client-disconnected":
      return isCameraId(fields.clientId)
        ? {
            type: fields.type,
            cameraId: fields.clientId,
            removed: fields.removed === true,
            stopped: fields.stopped === true,
          }
        : null;
    case "authenticated":
      return isFiniteNumber(fields.expiresAt)
        ? { type: fields.type, expiresAt: fields.expiresAt }
        : { type: fields.type };
    case "clock":
      if (!isFiniteNumber(fields.sentAt)) return null;
      return isFiniteNumber(fields.serverAt)
        ? { type: fields.type, sentAt: fields.sentAt, serverAt: fields.serverAt }
        : { type: fields.type, sentAt: fields.sentAt };
    default:
      return null;
  }
}

/** Reads the list in a `clients` message or in `details` of `GET /api/clients`. Skips invalid entries. */
export function decodeCameras(list: readonly unknown[]): CameraInfo[] {
  return list.map(decodeCamera).filter((camera) => camera !== null);
}

function decodeCamera(value: unknown): CameraInfo | null {
  if (!isObject(value) || !isCameraId(value.clientId)) return null;
  const camera: Mutable<CameraInfo> = { cameraId: value.clientId, online: value.online !== false };
  const name = cleanName(value.name);
  if (name !== undefined) camera.name = name;
  if (value.stopped === true) camera.stopped = true;
  if (value.reachable === false) camera.reachable = false;
  const condition = CONDITIONS.find((one) => one === value.condition);
  if (condition !== undefined) camera.condition = condition;
  if (isFiniteNumber(value.fps)) camera.fps = value.fps;
  return camera;
}

// ── messages to the server ──────────────────────────────────────────────────────────────────────

export interface Registration {
  readonly cameraId: string;
  readonly name?: string | undefined;
  readonly token?: string | undefined;
  readonly capabilities?: readonly string[];
}

export function encodeRegistration({ cameraId, ...rest }: Registration): string {
  return JSON.stringify({ type: "client-registration", clientId: cameraId, ...rest });
}

export function encodeClock(sentAt: number, serverAt?: number): string {
  return JSON.stringify({ type: "clock", sentAt, serverAt });
}

/** Presents a token: the first message of a viewer, or a newer token. */
export function encodeAuthenticate(token: string): string {
  return JSON.stringify({ type: "authenticate", token });
}

/** The picture still looks like the last frame, which is not sent again. */
export function encodeSame(header: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ type: "same", ...header });
}

/** The last message of a camera that is stopped on purpose. */
export function encodeGoodbye(): string {
  return JSON.stringify({ type: "goodbye" });
}

export function encodeControl(type: "pause" | "resume"): string {
  return JSON.stringify({ type });
}

// ── reading untrusted JSON ──────────────────────────────────────────────────────────────────────

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Returns the milliseconds since the epoch of an RFC 3339 time. */
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
