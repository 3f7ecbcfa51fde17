/** The state of a camera session, as a page shows it. */

import type { Failure } from "../failures.js";
import { NO_ABILITIES, NO_CONTROLS, type CameraAbilities, type CameraControls } from "./camera-controls.js";
import type { Demand } from "./demand.js";
import type { EncoderSettings } from "./encode-loop.js";
import type { CaptureSettings } from "./settings.js";

export type CaptureConnection = "off" | "connecting" | "on-air" | "waiting" | "ended";

export interface CaptureStats {
  readonly fps: number;
  readonly sent: number;
  /** Of all frames that were sent. */
  readonly bytes: number;
  readonly dropped: number;
  readonly bytesPerSecond: number;
  /** Milliseconds to the server and back; null while not measured. */
  readonly roundTrip: number | null;
  readonly width: number;
  readonly height: number;
}

/**
 * Why fewer frames are sent than `sending` says: the camera delivers no more, the device encodes no more, or the uplink
 * carries no more.
 */
export type RateLimit = "camera" | "device" | "uplink";

/** What was sent until the camera was stopped. */
export interface CaptureSummary {
  readonly seconds: number;
  readonly sent: number;
  readonly bytes: number;
}

export interface CaptureSnapshot {
  /** `waiting`: the camera is missing or gives no pictures, `failure` says why; it is opened again as soon as possible. */
  readonly camera: "off" | "starting" | "on" | "waiting";
  readonly connection: CaptureConnection;
  /** Whether the pictures are for the server. If not, an open camera is only for the preview. */
  readonly live: boolean;
  /** When the page connects again, in milliseconds by Date.now(); null while it does not wait for that. */
  readonly retryAt: number | null;
  /** Whether the browser keeps the screen on. */
  readonly awake: boolean;
  readonly abilities: CameraAbilities;
  readonly controls: CameraControls;
  /** Null until the camera was stopped. */
  readonly summary: CaptureSummary | null;
  readonly failure: Failure | null;
  readonly settings: CaptureSettings;
  readonly stream: MediaStream | null;
  /** The browser's name of the camera. */
  readonly cameraLabel: string;
  /** How frames are encoded, in words. */
  readonly method: string;
  /** What viewers need; null while the server has not sent it. */
  readonly demand: Demand | null;
  /** What the camera encodes: the settings, limited by demand and by the uplink. */
  readonly sending: EncoderSettings;
  /** Whether the uplink is too slow for the settings, limited by demand. */
  readonly narrow: boolean;
  /** Whether the pictures are made smaller because the server takes no larger ones. */
  readonly tooLarge?: boolean;
  /** Why clearly less is sent than `sending`; null if it is not, or not yet known. */
  readonly limit?: RateLimit | null;
  /** Whether pictures are posted one by one, because the network lets no WebSocket through. */
  readonly posting?: boolean;
  /** Why the server refused a picture a short time ago. */
  readonly refusedFrame?: string | null;
  /** The server's code of this reason. */
  readonly refusedCode?: string | null;
  readonly stats: CaptureStats;
}

/** The part of a snapshot that does not depend on the settings, of a camera that is off. */
export const CAMERA_OFF = {
  camera: "off",
  connection: "off",
  live: false,
  retryAt: null,
  awake: false,
  abilities: NO_ABILITIES,
  controls: NO_CONTROLS,
  failure: null,
  stream: null,
  demand: null,
  limit: null,
  refusedFrame: null,
  refusedCode: null,
  posting: false,
} as const satisfies Partial<CaptureSnapshot>;

export const NO_STATS: CaptureStats = {
  fps: 0,
  sent: 0,
  bytes: 0,
  dropped: 0,
  bytesPerSecond: 0,
  roundTrip: null,
  width: 0,
  height: 0,
};
