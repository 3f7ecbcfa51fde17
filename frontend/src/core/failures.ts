/** What can go wrong on a capture page, and what a person can do about it. */

export type Failure =
  | { readonly kind: "insecure-context"; readonly address: string }
  | { readonly kind: "unsupported" }
  | { readonly kind: "permission-denied" }
  | { readonly kind: "no-camera" }
  | { readonly kind: "camera-in-use" }
  | { readonly kind: "camera-lost" }
  | { readonly kind: "camera-failed"; readonly detail: string }
  | { readonly kind: "server-gone"; readonly retryAt: number | null }
  | { readonly kind: "refused"; readonly cameraId: string; readonly reason: string }
  | { readonly kind: "replaced"; readonly cameraId: string }
  | { readonly kind: "frame-too-big" }
  | { readonly kind: "sent-away"; readonly reason: string }
  | { readonly kind: "bad-address"; readonly detail: string };

export interface Explanation {
  /** What happened, in one line. */
  readonly title: string;
  /** What the person can do. */
  readonly advice: string;
}

export function explain(failure: Failure): Explanation {
  switch (failure.kind) {
    case "insecure-context":
      return {
        title: "This address is not secure, so the browser does not allow the camera",
        advice:
          `Browsers allow cameras only over https, or on the same machine under http://localhost. ` +
          `This page came from ${failure.address}. Open it over https, which a proxy in front of the server provides.`,
      };
    case "unsupported":
      return {
        title: "This browser has no camera support",
        advice:
          "Use a current version of Chrome, Edge, Firefox or Safari. Browsers inside other apps often cannot use a camera.",
      };
    case "permission-denied":
      return {
        title: "The camera is not allowed on this page",
        advice:
          "Open the site settings next to the address, allow the camera, and press Start again. " +
          "On a phone, check that the browser itself may use the camera in the system's settings.",
      };
    case "no-camera":
      return {
        title: "No camera was found",
        advice: "Connect a camera, or choose another one in the list, and press Start again.",
      };
    case "camera-in-use":
      return {
        title: "The camera is in use by another program",
        advice:
          "Close the other program or tab that uses it, or choose another camera, and press Start again.",
      };
    case "camera-lost":
      return {
        title: "The camera is disconnected",
        advice: "It was unplugged, switched off or taken by the system. Connect it again and press Start.",
      };
    case "camera-failed":
      return { title: "The camera could not be started", advice: `The browser reports: ${failure.detail}` };
    case "server-gone":
      return {
        title: "The server cannot be reached",
        advice: "The camera stays on. The page sends again as soon as the server answers.",
      };
    case "refused":
      return {
        title: `The server refused the id ${failure.cameraId}`,
        advice: `The reason: ${failure.reason}. Change the id, or try again.`,
      };
    case "replaced":
      return {
        title: `Another page or device now sends as ${failure.cameraId}`,
        advice: "Only one camera can use an id at a time. Take it back, or give this camera another id.",
      };
    case "frame-too-big":
      return {
        title: "The server refused a picture as too big",
        advice: "Lower the resolution or the quality.",
      };
    case "sent-away":
      return {
        title: "The server ended the connection",
        advice: `The reason: ${failure.reason}. The page tries again by itself.`,
      };
    case "bad-address":
      return { title: "The server's address is not valid", advice: failure.detail };
  }
}

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
