/** Decides whether a camera is live. A page says "live" only for a frame that it has just painted itself. */

export type CameraStatus =
  /** The page has asked for frames, and has not yet waited long enough to call them late. */
  | "waiting"
  /** A frame that is at most 3 s old has been painted since the page asked for frames. */
  | "live"
  /** The camera is connected, but no new frame comes. */
  | "stalled"
  | "offline"
  /** The owner of the camera has stopped it. */
  | "stopped"
  /** The page cannot know: there is no connection, the server does not know the camera, or the page did not ask. */
  | "unknown";

/** The most that a painted frame may be old, and the longest wait for the first frame. Milliseconds. */
export const FRESH_MS = 3000;

/** What is known of a camera. Times are in milliseconds by our clock. */
export interface CameraEvidence {
  /** Whether the server answers. */
  readonly connected: boolean;
  /** Whether the server knows the camera; undefined until it has said so. */
  readonly known: boolean | undefined;
  readonly online: boolean;
  readonly stopped: boolean;
  /** Whether frames can come from the server that has the camera. */
  readonly reachable: boolean;
  /** Whether the page asks for live frames of this camera now. */
  readonly watched: boolean;
  /** Since when the page has asked for live frames. */
  readonly askedAt: number;
  /** When the newest live frame was taken that has been painted since `askedAt`. */
  readonly freshAt: number | undefined;
  /** Whether a frame of this camera has ever come. */
  readonly seen: boolean;
}

export function decideStatus(camera: CameraEvidence, now: number): CameraStatus {
  if (!camera.connected || camera.known === false) return "unknown";
  if (camera.stopped && !camera.online) return "stopped";
  if (!camera.online) return camera.known === undefined ? "waiting" : "offline";
  if (!camera.watched) return "unknown";
  if (!camera.reachable) return "stalled";
  if (camera.freshAt !== undefined && now - camera.freshAt <= FRESH_MS) return "live";
  if (now - camera.askedAt <= FRESH_MS || !camera.seen) return "waiting";
  return "stalled";
}
