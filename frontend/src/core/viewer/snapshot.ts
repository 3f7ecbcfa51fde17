/** The state of a viewer session, as a page shows it. */

import type { Failure } from "../failures.js";
import type { AccessRefusal } from "../access.js";
import type { CameraSnapshot } from "./camera.js";

export type ViewerLink =
  /** The server has not answered yet. */
  | "connecting"
  | "live"
  /** Frames come by REST requests, a few a second. */
  | "polling"
  /** The server answers neither by WebSocket nor by REST; the last frames stay on the screen. */
  | "unreachable"
  /** The server wants a token or another one; `refusal` says more. */
  | "refused"
  | "stopped";

/** Sums over all cameras. */
export interface ViewerTotals {
  readonly cameras: number;
  readonly live: number;
  readonly offline: number;
  readonly fps: number;
  readonly receivedFps: number;
  readonly bytesPerSecond: number;
  readonly dropped: number;
}

/** A part that has not changed is the same object as in the snapshot before. */
export interface ViewerSnapshot {
  readonly link: ViewerLink;
  /** Why the server refuses access; null while it does not. */
  readonly refusal: AccessRefusal | null;
  /** Since when the server has not answered, in milliseconds by our clock; null while it answers. */
  readonly lostAt: number | null;
  /** Why the server does not serve this page, if that is known; null otherwise. */
  readonly failure: Failure | null;
  readonly paused: boolean;
  /** Whether the boxes of detection results are drawn on the frames. */
  readonly boxesShown: boolean;
  /** Whether frames wait for their detection results. */
  readonly exactBoxes: boolean;
  /** The server's clock minus ours in milliseconds; null while not measured. */
  readonly clockOffset: number | null;
  /** Milliseconds to the server and back; null while not measured. */
  readonly roundTrip: number | null;
  /** In the order in which a page shows them. */
  readonly cameras: readonly CameraSnapshot[];
  readonly totals: ViewerTotals;
}

/** Returns the snapshot of a camera of which nothing is known, for an address that names one. */
export function unknownCamera(cameraId: string): CameraSnapshot {
  return {
    cameraId,
    name: cameraId,
    status: "unknown",
    known: false,
    reachable: true,
    condition: null,
    fps: 0,
    receivedFps: 0,
    bytesPerSecond: 0,
    width: 0,
    height: 0,
    takenAt: null,
    latency: null,
    latencies: [],
    delay: null,
    playback: null,
    hasResults: false,
    marks: [],
    boxDelay: 0,
    dropped: 0,
    painted: 0,
    sequence: null,
  };
}

/** The snapshot of a session that has not started. */
export const STOPPED_VIEWER: ViewerSnapshot = {
  link: "stopped",
  refusal: null,
  lostAt: null,
  failure: null,
  paused: false,
  boxesShown: true,
  exactBoxes: false,
  clockOffset: null,
  roundTrip: null,
  cameras: [],
  totals: { cameras: 0, live: 0, offline: 0, fps: 0, receivedFps: 0, bytesPerSecond: 0, dropped: 0 },
};
