/** The state of a capture page in words: one title, one reason, and one button that helps. */

import type { CaptureSnapshot } from "../core/capture/snapshot.js";
import { permissionAdvice } from "../core/capture/permission-advice.js";
import { explain, type Failure } from "../core/failures.js";
import { formatBytes, formatCount, formatDuration } from "./format.js";

export type CaptureStateKind =
  | "off"
  | "stopped"
  | "asking"
  | "previewing"
  | "connecting"
  | "live"
  /** Live, but nobody watches. */
  | "unwatched"
  /** For the camera. */
  | "waiting"
  | "reconnecting"
  | "taken-over"
  /** By the person, or by the server. */
  | "refused"
  | "insecure"
  | "unsupported"
  | "bad-id"
  /** The camera could not be opened. */
  | "failed";

export type CaptureAction =
  | "preview"
  | "start"
  | "stop"
  | "resume"
  | "retry-camera"
  | "retry-connection"
  | "use-id"
  /** Opens the viewer page. */
  | "watch";

export interface CaptureState {
  readonly kind: CaptureStateKind;
  /** One to five words. */
  readonly title: string;
  /** Why, and what the person can do; empty if there is nothing to say. */
  readonly reason: string;
  readonly button: string;
  readonly action: CaptureAction;
}

export interface CaptureSurroundings {
  /** Why this page cannot use a camera at all; null if it can. */
  readonly unavailable: Failure | null;
  /** The id that no camera can have, if the app or the address gives one. */
  readonly badId: string | null;
  /** Seconds until the page connects again. */
  readonly seconds: number;
  readonly browser: { readonly userAgent: string; readonly maxTouchPoints?: number };
}

export function captureState(snapshot: CaptureSnapshot, around: CaptureSurroundings): CaptureState {
  const { camera, live, failure, summary, settings } = snapshot;
  if (camera === "off") {
    const why =
      around.unavailable ??
      (around.badId === null ? failure : ({ kind: "bad-id", given: around.badId } as const));
    if (why !== null) return whyOff(why, settings.cameraId, around);
    if (summary) {
      const { seconds, sent, bytes } = summary;
      return {
        kind: "stopped",
        title: `Stopped after ${formatDuration(seconds)}`,
        reason: `${formatCount(sent)} ${sent === 1 ? "picture" : "pictures"}, ${formatBytes(bytes)}. The server knows that you stopped.`,
        button: "Go live again",
        action: "start",
      };
    }
    return {
      kind: "off",
      title: "The camera is off",
      reason: "Look at the picture first. Nobody else sees it until you go live.",
      button: "Turn on the camera",
      action: "preview",
    };
  }
  const stop = { button: "Stop", action: "stop" } as const;
  if (camera === "starting") {
    return {
      kind: "asking",
      title: "Asking for the camera",
      reason: "If the browser asks, allow this page to use the camera.",
      button: "Cancel",
      action: "stop",
    };
  }
  if (camera === "waiting") {
    const told = failure && explained(failure, around);
    return {
      kind: "waiting",
      title: "Waiting for the camera",
      reason: told ? `${told.title}. ${told.advice}` : "",
      button: "Try now",
      action: "retry-camera",
    };
  }
  if (!live) {
    return {
      kind: "previewing",
      title: "Preview",
      reason: "Only you see this.",
      button: "Go live",
      action: "start",
    };
  }
  return connected(snapshot, around) ?? { kind: "connecting", title: "Connecting", reason: "", ...stop };
}

/** The state of a camera that is open and meant to send. */
function connected(snapshot: CaptureSnapshot, around: CaptureSurroundings): CaptureState | null {
  const { connection, failure, demand } = snapshot;
  const stop = { button: "Stop", action: "stop" } as const;
  if (connection === "on-air") {
    return demand?.viewers === 0
      ? { kind: "unwatched", title: "Live, no viewers", reason: "", ...stop }
      : { kind: "live", title: "Live", reason: "", ...stop };
  }
  const told = failure && explained(failure, around);
  if (connection === "ended") {
    return {
      kind: failure?.kind === "replaced" ? "taken-over" : "refused",
      title: told?.title ?? "Not sending",
      reason: told?.advice ?? "",
      button: failure?.kind === "replaced" ? "Take it back" : "Try again",
      action: "resume",
    };
  }
  if (connection !== "waiting" && told === null) return null;
  return {
    kind: "reconnecting",
    title:
      connection === "waiting" && around.seconds > 0 ? `Reconnecting in ${around.seconds} s` : "Reconnecting",
    reason: told ? `${told.title}. ${told.advice}` : "",
    button: "Retry now",
    action: "retry-connection",
  };
}

function whyOff(failure: Failure, cameraId: string, around: CaptureSurroundings): CaptureState {
  const { title, advice: reason } = explained(failure, around);
  const { kind } = failure;
  if (kind === "bad-id") return { kind, title, reason, button: `Use ${cameraId} instead`, action: "use-id" };
  if (kind === "insecure-context" || kind === "unsupported") {
    const without = kind === "unsupported" ? kind : "insecure";
    return { kind: without, title, reason, button: "Watch cameras instead", action: "watch" };
  }
  if (kind === "permission-denied")
    return { kind: "refused", title, reason, button: "Ask again", action: "preview" };
  return { kind: "failed", title, reason, button: "Try again", action: "preview" };
}

function explained(failure: Failure, { browser }: CaptureSurroundings): { title: string; advice: string } {
  const { title, advice } = explain(failure);
  return { title, advice: failure.kind === "permission-denied" ? permissionAdvice(browser) : advice };
}
