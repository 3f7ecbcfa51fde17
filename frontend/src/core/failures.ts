/** What can go wrong on a capture page, and what a person can do about it. */

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
  /** The server answers over HTTP, but no WebSocket comes through. */
  | { readonly kind: "websocket-blocked" }
  | { readonly kind: "refused"; readonly cameraId: string; readonly reason: string }
  | { readonly kind: "replaced"; readonly cameraId: string }
  | { readonly kind: "frame-too-big" }
  | { readonly kind: "sent-away"; readonly reason: string }
  | { readonly kind: "bad-address"; readonly detail: string }
  /** The app or the address names an id that no camera can have. */
  | { readonly kind: "bad-id"; readonly given: string };

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
          `This page came from ${failure.address}. Ask the operator of the server for its https address. ` +
          "You can watch cameras at this address all the same.",
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
          "Open the site settings next to the address and allow the camera: the page then continues by itself. " +
          "On a phone, check that the browser itself may use the camera in the system's settings.",
      };
    case "no-camera":
      return {
        title: "No camera was found",
        advice:
          "Connect a camera, or choose another one in the list. If this page has used the camera before, it tries again by itself.",
      };
    case "camera-in-use":
      return {
        title: "The camera is in use by another program",
        advice:
          "Close the other program or tab that uses it, or choose another camera. " +
          "If this page has used the camera before, it tries again by itself.",
      };
    case "camera-lost":
      return {
        title: "The camera is disconnected",
        advice:
          "It was unplugged, switched off or taken by the system. This page continues by itself when the camera is back.",
      };
    case "camera-muted":
      return {
        title: "The system has paused the camera",
        advice:
          "Phones do this during a call, or while another app uses the camera. This page continues by itself afterwards.",
      };
    case "camera-silent":
      return {
        title: "The camera gives no pictures",
        advice:
          "This page opens it again by itself. If that does not help, check its cable and its privacy cover or switch.",
      };
    case "camera-failed":
      return { title: "The camera could not be started", advice: `The browser reports: ${failure.detail}` };
    case "server-gone":
      return {
        title: "The server cannot be reached",
        advice: "The camera stays on. The page sends again as soon as the server answers.",
      };
    case "origin-refused":
      return {
        title: "The server refuses pages from this address",
        advice:
          `The server answers, but it does not allow pages from ${failure.origin}. Open the page at the server's own ` +
          "address, or ask its operator to allow this one with --cors-origin. A proxy must pass the Host header on.",
      };
    case "http-refused":
      return {
        title: `The server's address answers with HTTP status ${failure.status}`,
        advice: adviceFor(failure.status),
      };
    case "websocket-blocked":
      return {
        title: "The server answers, but refuses the live connection",
        advice:
          "A proxy or a firewall on the way lets no WebSocket through, or the server is full. The page keeps trying.",
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
        advice:
          "The page sends smaller pictures now. To choose yourself, lower the resolution or the quality.",
      };
    case "sent-away":
      return {
        title: "The server ended the connection",
        advice: `The reason: ${failure.reason}. The page tries again by itself.`,
      };
    case "bad-address":
      return { title: "The server's address is not valid", advice: failure.detail };
    case "bad-id":
      return {
        title: `The id “${failure.given}” cannot be used`,
        advice:
          "Ids have 1–64 letters, digits, dots, dashes or underscores. Viewers would not look for the camera under another id, so it stays off.",
      };
  }
}

function adviceFor(status: number): string {
  if (status === 401)
    return "It asks for a password or a key. Log in, then reload this page; it keeps trying.";
  if (status === 403) return "It does not allow this. Ask the operator of the server; the page keeps trying.";
  if (status === 404) return "There is no camera server at this address. Check it; the page keeps trying.";
  return "A proxy answers in place of the server. Check the address; the page keeps trying.";
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
