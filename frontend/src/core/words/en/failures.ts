/** What can go wrong on a capture page, where to allow a camera, and what the error codes of the server mean, in English. */

import type { PermissionPlace } from "../../capture/permission-place.js";
import type { FailureWords } from "../../failures.js";

const KEEPS_TRYING = "the page keeps trying.";

export const failures: FailureWords = {
  "insecure-context": ({ address }) => ({
    title: "This address is not secure, so the browser does not allow the camera",
    advice:
      `Browsers allow cameras only over https, or on the same machine under http://localhost. ` +
      `This page came from ${address}. Ask the operator of the server for its https address. ` +
      "You can watch cameras at this address all the same.",
  }),
  unsupported: () => ({
    title: "This browser has no camera support",
    advice:
      "Use a current version of Chrome, Edge, Firefox or Safari. Browsers inside other apps often cannot use a camera.",
  }),
  "permission-denied": () => ({
    title: "The camera is not allowed on this page",
    advice:
      "Open the site settings next to the address and allow the camera: the page then continues by itself. " +
      "On a phone, check that the browser itself may use the camera in the system's settings.",
  }),
  "no-camera": () => ({
    title: "No camera was found",
    advice:
      "Connect a camera, or choose another one in the list. If this page has used the camera before, it tries again by itself.",
  }),
  "camera-in-use": () => ({
    title: "The camera is in use by another program",
    advice:
      "Close the other program or tab that uses it, or choose another camera. " +
      "If this page has used the camera before, it tries again by itself.",
  }),
  "camera-lost": () => ({
    title: "The camera is disconnected",
    advice:
      "It was unplugged, switched off or taken by the system. This page continues by itself when the camera is back.",
  }),
  "camera-muted": () => ({
    title: "The system has paused the camera",
    advice:
      "Phones do this during a call, or while another app uses the camera. This page continues by itself afterwards.",
  }),
  "camera-silent": () => ({
    title: "The camera gives no pictures",
    advice:
      "This page opens it again by itself. If that does not help, check its cable and its privacy cover or switch.",
  }),
  "camera-failed": ({ detail }) => ({
    title: "The camera could not be started",
    advice: `The browser reports: ${detail}`,
  }),
  "server-gone": () => ({
    title: "The server cannot be reached",
    advice: "The camera stays on. The page sends again as soon as the server answers.",
  }),
  "origin-refused": ({ origin }) => ({
    title: "The server refuses pages from this address",
    advice:
      `The server answers, but it does not allow pages from ${origin}. Open the page at the server's own ` +
      "address, or ask its operator to allow this one with --cors-origin. A proxy must pass the Host header on.",
  }),
  "http-refused": ({ status }) => ({
    title: `The server's address answers with HTTP status ${status}`,
    advice:
      {
        401: "It asks for a password or a key. Log in, then reload this page; it keeps trying.",
        403: `It does not allow this. Ask the operator of the server; ${KEEPS_TRYING}`,
        404: `There is no camera server at this address. Check it; ${KEEPS_TRYING}`,
      }[status] ?? `A proxy answers in place of the server. Check the address; ${KEEPS_TRYING}`,
  }),
  "access-refused": ({ code, reason }) => ({
    title: {
      unauthenticated: "The server asks who you are",
      forbidden: "You may not send as this camera",
      "access-ended": "Your access has ended",
    }[code],
    advice:
      (reason === "" ? "" : `The reason: ${reason.replace(/[.]$/, "")}. `) +
      {
        unauthenticated: "Sign in, or open a link that was made for this camera.",
        forbidden: "Use an id that you may use, or ask the operator of the server.",
        "access-ended": "Sign in again, or ask the operator of the server for a new link.",
      }[code],
  }),
  "websocket-blocked": () => ({
    title: "The server answers, but refuses the live connection",
    advice:
      "A proxy or a firewall on the way lets no WebSocket through, or the server is full. The page keeps trying.",
  }),
  refused: ({ cameraId, reason }) => ({
    title: `The server refused the id ${cameraId}`,
    advice: `The reason: ${reason}. Change the id, or try again.`,
  }),
  replaced: ({ cameraId }) => ({
    title: `Another page or device now sends as ${cameraId}`,
    advice: "Only one camera can use an id at a time. Take it back, or give this camera another id.",
  }),
  "frame-too-big": () => ({
    title: "The server refused a picture as too big",
    advice: "The page sends smaller pictures now. To choose yourself, lower the resolution or the quality.",
  }),
  "sent-away": ({ reason }) => ({
    title: "The server ended the connection",
    advice: `The reason: ${reason}. The page tries again by itself.`,
  }),
  "bad-address": ({ detail }) => ({ title: "The server's address is not valid", advice: detail }),
  "bad-id": ({ given }) => ({
    title: `The id “${given}” cannot be used`,
    advice:
      "Ids have 1–64 letters, digits, dots, dashes or underscores. Viewers would not look for the camera under another id, so it stays off.",
  }),
};

/** Where a person allows the camera. */
export const permission = {
  places: {
    "apple-settings": "Open the Settings app, choose this browser and switch Camera on.",
    "apple-page": "Tap the page menu beside the address, choose Website Settings, and set Camera to Allow.",
    "firefox-phone":
      "Tap the lock beside the address and allow the camera. If it is blocked there, allow it for Firefox in Android’s settings.",
    firefox: "Click the crossed-out camera beside the address and remove the block.",
    "chrome-phone":
      "Tap the symbol before the address, choose Permissions, and allow the camera. If it is not listed, allow it for the browser in Android’s settings.",
    chrome: "Click the symbol before the address and switch Camera on.",
    safari: "Open the menu Safari, choose Settings for this website, and set Camera to Allow.",
    other: "Open the site settings beside the address and allow the camera.",
  } satisfies Record<PermissionPlace, string>,
  continues: "This page then continues by itself.",
};

/** The error codes of the server that a camera can get. A code that is missing here is shown as the server words it. */
export const refusals: Partial<Record<string, string>> = {};
