/** The words of the pages around the components, in English. */

import type { PanelName } from "../../viewer/view-address.js";
import type { LayoutName } from "../../viewer/wall-layout.js";

export const page = {
  cameras: "Cameras",
  capture: "Capture",
  navigation: "Pages",
  allCameras: "All cameras",
  close: "Close",
  closePanel: (title: string) => `Close: ${title}`,
  captureTitle: "Capture – SkySentry",
  liveTitle: (name: string) => `● ${name} is live – SkySentry`,
  liveCamera: "SkySentry: live camera",
  viewerTitle: (trouble: string, name: string) => `${trouble}${name} – SkySentry`,
  noConnectionTitle: "No connection – ",
  offlineTitle: (offline: number) => `${offline} offline – `,
};

export const head = {
  groups: "Groups",
  all: "All",
  layout: "Layout",
  layouts: { auto: "Auto", "1+5": "1+5", "2x2": "2×2", "3x3": "3×3" } satisfies Record<LayoutName, string>,
  edit: "Edit",
  addCamera: "Add camera",
  wall: "Wall",
  wallHint: "All cameras on the full screen",
  more: "More",
  figures: "Figures on the pictures",
  oneColumn: "One column",
  shareWall: "Share this wall",
  live: (live: number, all: number) => `${live} of ${all} live`,
  offline: (offline: number) => `${offline} offline`,
  showOffline: "Show cameras that are offline",
  hideOffline: "Hide cameras that are offline",
  stopped: (stopped: number) => `${stopped} stopped`,
  stoppedHint: "Cameras that their owners have stopped",
};

export const panels = {
  figures: "Performance",
  keys: "Keys",
  cameras: "Cameras and groups",
  add: "Add a camera",
  look: "Language and theme",
} satisfies Record<PanelName, string>;

export const empty = {
  noCamera: "No camera is live",
  noCameraHint:
    "Open the capture page on a phone or a computer with a camera and press Go live. The picture then appears here.",
  openCapture: "Open the capture page",
  noneShown: "No camera is shown",
  noneShownHint: "All cameras are stopped, hidden or removed.",
  choose: "Choose cameras",
  fromAddress: (cameras: number) =>
    `${cameras === 1 ? "One camera" : `${cameras} cameras`} from the address.`,
  showAll: "Show all cameras",
};

export const arrange = {
  fullSize: "Full size",
  up: (name: string) => `Move ${name} up`,
  down: (name: string) => `Move ${name} down`,
  deleteGroup: (name: string) => `Delete the group ${name}`,
  newGroup: "New group of the cameras that are shown",
  groupExample: "Outside",
  addGroup: "Add the group",
  past: "Recordings of cameras that are not here",
  openPast: (name: string) => `Show the recordings of ${name}`,
};

export const add = {
  thisDevice: "This computer or phone",
  phone: "A phone",
  network: "A network camera",
  test: "The test picture",
};

export const code = {
  show: "Show a QR code",
  of: (text: string) => `QR code for ${text}`,
  failed: "The code could not be drawn. Type the address instead.",
  phone: "Use a phone as a camera",
  thisMachine: (host: string) =>
    `A phone cannot reach ${host}, which is this machine itself. Start the server with “serve --phone”: it shows a code for phones here. Or open this page by the machine’s name or address in the network, over https.`,
  insecure: "The phone’s browser does not allow a camera at this address, because it is not https.",
  scan: "Scan the code with the phone’s camera, open the page, and press Go live there.",
};

export const look = {
  language: "Language",
  asBrowser: "As the browser",
  theme: "Theme",
  asSystem: "As the system",
  themes: { light: "Light", dark: "Dark", contrast: "High contrast" },
};

/** Keys, and what they do. */
export const keys = {
  wall: [
    ["Tab, arrow keys", "choose a camera"],
    ["Enter", "shows it in full size"],
    ["Alt + arrow keys", "move it"],
    ["I", "figures on all pictures"],
    ["F", "full screen"],
    ["S", "saves the picture"],
    ["Page Down, Page Up", "the next or previous page of cameras"],
    ["Space", "pauses or continues the playback of all cameras"],
    ["?", "this list"],
  ],
  oneCamera: "One camera",
  view: [
    ["Esc", "back to all cameras"],
    ["Shift + ← →", "the previous or next camera"],
    ["Space", "pauses or continues"],
    ["← →", "ten seconds back or forward"],
    [", .", "one frame back or forward"],
    ["J K L", "plays backwards, pauses, plays forwards; again is faster"],
    ["Home, End", "the oldest picture, live"],
    ["E, Shift + E", "the next or previous event"],
    ["C", "starts a clip of ten seconds, or clears it"],
    ["[ ]", "start and end of the clip"],
    ["+ − 0", "zoom in, zoom out, whole picture"],
    ["B", "boxes of detection results"],
    ["P", "picture in picture"],
    ["I", "figures"],
  ],
} satisfies Record<string, string | [key: string, action: string][]>;
