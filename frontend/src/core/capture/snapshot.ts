/** The state of a camera session, as a page shows it. */

import type { Failure } from "../failures.js";
import type { Demand } from "./demand.js";
import type { EncoderSettings } from "./encode-loop.js";
import type { CaptureSettings } from "./settings.js";

export type CaptureConnection = "off" | "connecting" | "on-air" | "waiting" | "ended";

export interface CaptureStats {
  readonly fps: number;
  readonly sent: number;
  readonly dropped: number;
  readonly bytesPerSecond: number;
  /** Milliseconds to the server and back; null while not measured. */
  readonly roundTrip: number | null;
  readonly width: number;
  readonly height: number;
}

export interface CaptureSnapshot {
  readonly camera: "off" | "starting" | "on";
  readonly connection: CaptureConnection;
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
  readonly stats: CaptureStats;
}

export const NO_STATS: CaptureStats = {
  fps: 0,
  sent: 0,
  dropped: 0,
  bytesPerSecond: 0,
  roundTrip: null,
  width: 0,
  height: 0,
};
