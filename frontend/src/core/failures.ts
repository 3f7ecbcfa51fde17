/** What can go wrong on a capture page. */

import type { AccessCode } from "./access.js";

export type Failure =
  | { readonly kind: "insecure-context"; readonly address: string }
  | { readonly kind: "unsupported" }
  | { readonly kind: "permission-denied" }
  | { readonly kind: "no-camera" }
  | { readonly kind: "camera-in-use" }
  | { readonly kind: "camera-lost" }
  | { readonly kind: "camera-failed"; readonly detail: string }
  /** The system has taken the camera away for now, as phones do during a call. */
  | { readonly kind: "camera-muted" }
  /** The camera is open, but gives no pictures. */
  | { readonly kind: "camera-silent" }
  | { readonly kind: "server-gone"; readonly retryAt: number | null }
  /** The server does not allow the page's origin. */
  | { readonly kind: "origin-refused"; readonly origin: string }
  /** The server, or a proxy in front of it, answers with this HTTP status. */
  | { readonly kind: "http-refused"; readonly status: number }
  /** The server wants a token or another one, or this one lacks the right to send. */
  | { readonly kind: "access-refused"; readonly code: AccessCode; readonly reason: string }
  /** The server answers over HTTP, but no WebSocket comes through. */
  | { readonly kind: "websocket-blocked" }
  /** `reason` is a sentence of the server in English, `code` names the same cause for programs. */
  | { readonly kind: "refused"; readonly cameraId: string; readonly reason: string; readonly code?: string }
  | { readonly kind: "replaced"; readonly cameraId: string }
  | { readonly kind: "frame-too-big" }
  | { readonly kind: "sent-away"; readonly reason: string; readonly code?: string }
  | { readonly kind: "bad-address"; readonly detail: string }
  /** The app or the address names an id that no camera can have. */
  | { readonly kind: "bad-id"; readonly given: string };

export interface Explanation {
  /** What happened, in one line. */
  readonly title: string;
  /** What the person can do. */
  readonly advice: string;
}

/** Each failure in the words of one language. */
export type FailureWords = {
  readonly [Kind in Failure["kind"]]: (failure: Extract<Failure, { kind: Kind }>) => Explanation;
};

/** Converts what getUserMedia rejected with. */
export function cameraFailure(error: unknown): Failure {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return { kind: "permission-denied" };
    case "NotFoundError":
    case "OverconstrainedError":
      return { kind: "no-camera" };
    case "NotReadableError":
    case "AbortError":
      return { kind: "camera-in-use" };
    default:
      return {
        kind: "camera-failed",
        detail: error instanceof Error ? error.message || error.name : String(error),
      };
  }
}
