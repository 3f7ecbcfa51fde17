/** The capture page and the component of a camera, in English. */

import type { QualityChoice } from "../../capture/quality-choice.js";

const stop = "Stop";

/** The state in one to three words. */
export const pill = {
  off: "Off",
  stopped: "Stopped",
  asking: "Asking",
  previewing: "Preview",
  connecting: "Connecting",
  live: "Live",
  unwatched: "Live",
  waiting: "Waiting for the camera",
  reconnecting: "Reconnecting",
  "taken-over": "Taken over",
  refused: "Refused",
  insecure: "Not secure",
  unsupported: "No camera",
  "bad-id": "Off",
  failed: "Off",
};

/** What is the matter, why, and what the one button does. */
export const state = {
  stoppedAfter: (duration: string) => `Stopped after ${duration}`,
  sent: (sent: number, count: string, bytes: string) =>
    `${count} ${sent === 1 ? "picture" : "pictures"}, ${bytes}. The server knows that you stopped.`,
  goLiveAgain: "Go live again",
  off: "The camera is off",
  offReason: "Look at the picture first. Nobody else sees it until you go live.",
  turnOn: "Turn on the camera",
  asking: "Asking for the camera",
  askingReason: "If the browser asks, allow this page to use the camera.",
  cancel: "Cancel",
  waiting: "Waiting for the camera",
  tryNow: "Try now",
  preview: "Preview",
  previewReason: "Only you see this.",
  goLive: "Go live",
  connecting: "Connecting",
  live: "Live",
  unwatched: "Live, no viewers",
  notSending: "Not sending",
  takeBack: "Take it back",
  tryAgain: "Try again",
  signIn: "Sign in",
  reconnecting: "Reconnecting",
  reconnectingIn: (seconds: number) => `Reconnecting in ${seconds} s`,
  retryNow: "Retry now",
  useInstead: (cameraId: string) => `Use ${cameraId} instead`,
  watchInstead: "Watch cameras instead",
  askAgain: "Ask again",
  stop,
};

/** What is sent, and why it is not more. */
export const sending = {
  viewers: (viewers: number, count: string) => `${count} ${viewers === 1 ? "viewer" : "viewers"}`,
  oneEvery: (seconds: string) => `one picture every ${seconds} s`,
  nobodyWatches: "Nobody watches, so few pictures are sent.",
  noMoreNeeded: "Viewers need no more pictures.",
  fpsOf: (part: string, all: string) => `${part} of ${all} fps`,
  pixelsOf: (part: number, all: number) => `${part} of ${all} px`,
  onlyNeeded: (needs: string) => `Viewers need only ${needs}.`,
  frameRefused: (reason: string) => `The server refused a picture: ${reason}.`,
  tooLarge: "The server takes no larger pictures, so they are smaller than you chose.",
  posting: "This network lets no WebSocket through, so pictures are sent one by one, which is slower.",
  device: (rates: string) => `This device manages ${rates}.`,
  camera: (rates: string) => `The camera delivers ${rates}.`,
  uplink: (rates: string) => `The uplink carries ${rates}.`,
  narrow: (fps: string, width: number, quality: string) =>
    `The uplink is narrow: ${fps} fps at ${width} px, quality ${quality}.`,
};

/** The picture and the buttons around it. */
export const stage = {
  share: "Share",
  zoom: "Zoom",
  settings: "Settings",
  torch: "Torch",
  otherSide: "Other side",
  dark: "Dark screen",
  darkHint: "Dark screen: the camera keeps sending",
  preview: (label: string) => `Preview of the camera${label === "" ? "" : ` ${label}`}`,
  battery: (percent: string) => `Battery ${percent}`,
  batteryLow: (percent: string) => `Battery ${percent}. Connect a charger, or the camera stops soon.`,
  awake: "Screen stays on",
  touch: "Touch to see the picture",
};

/** The settings and the figures of a camera. */
export const form = {
  name: "Name",
  nameHint: "Shown with the picture, for example “Front door”.",
  camera: "Camera",
  rear: "Rear camera",
  front: "Front camera",
  default: "Default camera",
  quality: "Quality",
  choices: {
    saver: ["Saver", "Small pictures, for mobile data and old phones"],
    balanced: ["Balanced", "HD at a moderate rate"],
    sharp: ["Sharp", "Full HD, for a fast connection"],
  } satisfies Record<QualityChoice, [label: string, hint: string]>,
  chosen: (width: number, fps: number, own: boolean) =>
    `${width} px, ${fps} fps${own ? ", as set under Advanced" : ""}`,
  advanced: "Advanced",
  id: "Camera id",
  idHint: "1–64 letters, digits, dots, dashes or underscores. It is a part of the link for viewers.",
  idProblem: "Use 1–64 letters, digits, dots, dashes or underscores.",
  resolution: "Resolution",
  wide: (width: number) => `${width} wide`,
  frameRate: "Frame rate",
  jpegQuality: "JPEG quality",
  demand: "Send only what is needed",
  demandHint: "Fewer or smaller pictures while viewers need no more.",
  adapt: "Adapt to the uplink",
  adaptHint: "On a slow connection, lower the quality instead of dropping pictures.",
  skipStill: "Leave out still pictures",
  skipStillHint: "Do not send a picture again that looks like the last one.",
  section: (name: string) => `Camera ${name}`,
  close: "Close",
  figures: "Figures",
  statistics: "Statistics",
  sentPerSecond: "Sent per second",
  sent: "Pictures sent",
  dropped: "Dropped",
  data: "Data",
  roundTrip: "Round trip",
  size: "Size",
  cameraOff: "The camera is off.",
  /** How frames are encoded. */
  methods: {
    "video element, encoded in a worker": "video element, encoded in a worker",
    "camera frames, encoded in a worker": "camera frames, encoded in a worker",
    "camera track, encoded in a worker": "camera track, encoded in a worker",
    "video element, encoded on the page": "video element, encoded on the page",
  } as Partial<Record<string, string>>,
};

/** The link at which others see the camera. */
export const watch = {
  title: "Link for viewers",
  share: "Watch this camera",
  noCopy: "The browser allows no copy here. Select the link and copy it.",
  send: "Send the link",
  copy: "Copy the link",
  thisMachine: (host: string) =>
    `${host} is this machine itself. Other devices need the machine’s name or address in the network.`,
  notLive: "Viewers see the picture when you go live.",
};
