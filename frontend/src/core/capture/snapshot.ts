/** What there is to say of a camera on the air, for whoever shows it. */

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
  /** Milliseconds there and back. */
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
  /** What the browser calls the camera. */
  readonly cameraLabel: string;
  /** How pictures become JPEGs here, for the curious. */
  readonly method: string;
  /** What the server needs; null while it has not said. */
  readonly demand: Demand | null;
  /** What is aimed at now: the settings, within what is needed and what the uplink carries. */
  readonly sending: EncoderSettings;
  /** The uplink carries less than that would be without it. */
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
