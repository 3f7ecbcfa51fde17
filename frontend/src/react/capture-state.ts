/** The state of a capture page in words: one title, one reason, and one button that helps. */

import type { CaptureSnapshot } from "../core/capture/snapshot.js";
import { permissionPlace } from "../core/capture/permission-place.js";
import { explain } from "../core/explain.js";
import type { Explanation, Failure } from "../core/failures.js";
import type { Words } from "../core/words/words.js";

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
  | "sign-in"
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
  /** Whether there is a page where the person can sign in. */
  readonly canSignIn?: boolean;
  readonly browser: { readonly userAgent: string; readonly maxTouchPoints?: number };
  readonly words: Words;
}

export function captureState(snapshot: CaptureSnapshot, around: CaptureSurroundings): CaptureState {
  const { camera, live, failure, summary, settings } = snapshot;
  const { words } = around;
  if (camera === "off") {
    const why =
      around.unavailable ??
      (around.badId === null ? failure : ({ kind: "bad-id", given: around.badId } as const));
    if (why !== null) return whyOff(why, settings.cameraId, around);
    if (summary) {
      const { seconds, sent, bytes } = summary;
      return {
        kind: "stopped",
        title: words.state.stoppedAfter(words.format.duration(seconds)),
        reason: words.state.sent(sent, words.format.count(sent), words.format.bytes(bytes)),
        button: words.state.goLiveAgain,
        action: "start",
      };
    }
    return {
      kind: "off",
      title: words.state.off,
      reason: words.state.offReason,
      button: words.state.turnOn,
      action: "preview",
    };
  }
  const stop = { button: words.state.stop, action: "stop" } as const;
  if (camera === "starting") {
    return {
      kind: "asking",
      title: words.state.asking,
      reason: words.state.askingReason,
      button: words.state.cancel,
      action: "stop",
    };
  }
  if (camera === "waiting") {
    const told = failure && explained(failure, around);
    return {
      kind: "waiting",
      title: words.state.waiting,
      reason: told ? `${told.title}. ${told.advice}` : "",
      button: words.state.tryNow,
      action: "retry-camera",
    };
  }
  if (!live) {
    return {
      kind: "previewing",
      title: words.state.preview,
      reason: words.state.previewReason,
      button: words.state.goLive,
      action: "start",
    };
  }
  return (
    connected(snapshot, around) ?? { kind: "connecting", title: words.state.connecting, reason: "", ...stop }
  );
}

/** The state of a camera that is open and meant to send. */
function connected(snapshot: CaptureSnapshot, around: CaptureSurroundings): CaptureState | null {
  const { connection, failure, demand } = snapshot;
  const { words } = around;
  const stop = { button: words.state.stop, action: "stop" } as const;
  if (connection === "on-air") {
    return demand?.viewers === 0
      ? { kind: "unwatched", title: words.state.unwatched, reason: "", ...stop }
      : { kind: "live", title: words.state.live, reason: "", ...stop };
  }
  const told = failure && explained(failure, around);
  if (connection === "ended" && failure?.kind === "access-refused") {
    const signIn = around.canSignIn === true && failure.code !== "forbidden";
    return {
      kind: "refused",
      title: told?.title ?? "",
      reason: told?.advice ?? "",
      button: signIn ? words.state.signIn : words.state.tryAgain,
      action: signIn ? "sign-in" : "resume",
    };
  }
  if (connection === "ended") {
    return {
      kind: failure?.kind === "replaced" ? "taken-over" : "refused",
      title: told?.title ?? words.state.notSending,
      reason: told?.advice ?? "",
      button: failure?.kind === "replaced" ? words.state.takeBack : words.state.tryAgain,
      action: "resume",
    };
  }
  if (connection !== "waiting" && told === null) return null;
  return {
    kind: "reconnecting",
    title:
      connection === "waiting" && around.seconds > 0
        ? words.state.reconnectingIn(around.seconds)
        : words.state.reconnecting,
    reason: told ? `${told.title}. ${told.advice}` : "",
    button: words.state.retryNow,
    action: "retry-connection",
  };
}

function whyOff(failure: Failure, cameraId: string, around: CaptureSurroundings): CaptureState {
  const { title, advice: reason } = explained(failure, around);
  const { kind } = failure;
  const { words } = around;
  if (kind === "bad-id")
    return { kind, title, reason, button: words.state.useInstead(cameraId), action: "use-id" };
  if (kind === "insecure-context" || kind === "unsupported") {
    const without = kind === "unsupported" ? kind : "insecure";
    return { kind: without, title, reason, button: words.state.watchInstead, action: "watch" };
  }
  if (kind === "permission-denied")
    return { kind: "refused", title, reason, button: words.state.askAgain, action: "preview" };
  return { kind: "failed", title, reason, button: words.state.tryAgain, action: "preview" };
}

function explained(failure: Failure, { browser, words }: CaptureSurroundings): Explanation {
  const { title, advice } = explain(translated(failure, words), words.failures);
  if (failure.kind !== "permission-denied") return { title, advice };
  return {
    title,
    advice: `${words.permission.places[permissionPlace(browser)]} ${words.permission.continues}`,
  };
}

/** Replaces the server's sentence by the one of the person's language, if there is one for its code. */
function translated(failure: Failure, words: Words): Failure {
  if (failure.kind !== "refused" && failure.kind !== "sent-away") return failure;
  const reason = failure.code === undefined ? undefined : words.refusals[failure.code];
  return reason === undefined ? failure : { ...failure, reason };
}
