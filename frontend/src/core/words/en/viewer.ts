/** The wall, the tiles, the camera view and the state of the connection, in English. */

import type { CameraStatus } from "../../viewer/status.js";
import type { ClipFormat } from "../../viewer/clip.js";
import type { SlowPart } from "../../viewer/slowness.js";
import type { ViewerLink } from "../../viewer/snapshot.js";

export const status = {
  waiting: "Connecting",
  live: "Live",
  stalled: "Late",
  offline: "Offline",
  stopped: "Stopped",
  unknown: "Unknown",
} satisfies Record<CameraStatus, string>;

export const camera = {
  waitingForPicture: "Waiting for the first picture",
  notKnown: "The server does not know this camera",
  noPictureFor: (age: string) => `no new picture for ${age}`,
  offlineSince: (clock: string, age: string) => `Offline, last picture ${clock}, ${age} ago`,
  otherServerLost: "The server of this camera does not answer",
  conditions: {
    frozen: "the picture is frozen",
    dark: "the picture is dark",
    covered: "the lens seems covered",
  },
  stoppedByOwner: "Stopped by its owner",
  noConnection: "no connection",
  left: (name: string) => `${name} is offline.`,
  cameBack: (name: string) => `${name} is back.`,
  showFull: (name: string) => `Show ${name} in full size`,
  save: "Save a picture",
  saveOf: (name: string) => `Save a picture of ${name}`,
  fullScreen: "Full screen",
  fullScreenOf: (name: string) => `Show ${name} on the full screen`,
  leaveFullScreen: "Leave the full screen",
  shareLink: "Share a link",
  linkCopied: "Link copied",
};

export const tile = {
  playBack: "Play back",
  remove: "Remove",
  more: "More",
  moreOf: (name: string) => `More for ${name}`,
  keepFirst: "Keep first",
  doNotKeepFirst: "Do not keep first",
  fill: "Fill the tile",
  whole: "Show the whole picture",
  hide: "Hide",
};

export const wall = {
  pages: "Pages of cameras",
  page: (page: number, pages: number) => `Page ${page} of ${pages}`,
};

export const view = {
  back: "Back to all cameras",
  replay: "replay",
  figures: "Figures",
  figuresOf: (figures: string) => `Figures: ${figures}`,
  boxes: "Boxes on the pictures",
  exact: "Exact",
  exactHint: "Each picture waits up to half a second for its boxes",
  pictureInPicture: "Picture in picture",
  previous: "Previous camera",
  next: "Next camera",
  others: "Other cameras",
  notLive: "Not live",
  replaying: "Replay",
  ago: (age: string) => `${age} ago`,
  paused: "paused",
};

export const playback = {
  oldest: "Oldest picture",
  frameBack: "One frame back",
  frameForward: "One frame forward",
  back: (seconds: number) => `Back ${seconds} seconds`,
  forward: (seconds: number) => `Forward ${seconds} seconds`,
  pause: "Pause",
  play: "Play",
  speed: "Speed",
  slower: "Slower",
  faster: "Faster",
  reverse: "Reverse",
  keepsOnly: (length: string) => `The server keeps only ${length} of this camera`,
  live: "Live",
  newest: "Newest",
  goLive: "Go live",
  timeline: (name: string) => `Timeline of ${name}`,
  position: "Position",
  positionLive: "live",
  positionNewest: "the newest picture",
  positionAt: (clock: string, back: string) => `${clock}, ${back} from now`,
  result: "result",
  now: "now",
  clip: "Clip",
  clipStart: "Start of the clip",
  clipEnd: "End of the clip",
  clearClip: "Clear the clip",
  zoom: "Zoom of the timeline",
  zoomOut: "Show more of the timeline",
  zoomIn: "Show less of the timeline",
  zoomAll: "Show the whole timeline",
  zoomed: (shown: string, all: string) => `${shown} of ${all}`,
};

export const clip = {
  save: (format: string) => `Save ${format}`,
  otherFormats: "Other formats",
  formats: {
    mp4: "MP4: a video for everybody",
    mkv: "MKV: a video of the unchanged pictures",
    zip: "ZIP: the pictures one by one",
  } satisfies Record<ClipFormat, string>,
  making: (format: string) => `Making the ${format}`,
  cancel: "Cancel",
  saved: "The saved clip",
  share: "Share the clip",
  shareAgain: "The clip is ready. Press Share once more.",
  broken: (format: string) => `The connection broke before the ${format} was complete.`,
  impossible: (format: string) => `This server cannot make an ${format}; a ZIP is always possible.`,
  refused: (format: string) => `The server did not make the ${format}.`,
  reason: (reason: string) => `The server says: ${reason}.`,
  status: (status: number) => `It answers with HTTP status ${status}.`,
};

/** The recordings on disk. */
export const history = {
  nothing: "nothing recorded",
  recorded: (length: string) => `${length} recorded`,
  chooseDay: "Choose a day",
  today: "Today",
  previousMonth: "Previous month",
  nextMonth: "Next month",
  events: "Events",
  eventBefore: "Previous event",
  eventAfter: "Next event",
  noEventBefore: "There is no earlier event",
  noEventAfter: "There is no later event",
  protect: "Protect",
  protectHint: "Keep these recordings, however old they become",
  unprotect: "Protected",
  unprotectHint: "Let these recordings be deleted again when they are old",
  export: "Export",
  exportHint: (cameras: number) =>
    cameras === 1
      ? "An archive with the pictures, their times and their checksums"
      : `One archive of ${cameras} cameras, with the times and checksums of all pictures`,
  exporting: "Writing the export",
  saveExport: (size: string) => `Save the export, ${size}`,
  exportFailed: "The server did not write the export.",
};

/** The playback of all cameras of the wall. */
export const together = {
  open: "Play back all",
  hint: "All cameras at the same moment of the past",
  bar: "Playback of all cameras",
  back: (seconds: number) => `All cameras back ${seconds} seconds`,
  forward: (seconds: number) => `All cameras forward ${seconds} seconds`,
  play: "Play all cameras",
  pause: "Pause all cameras",
  position: "Position of all cameras",
  speed: "Speed of all cameras",
  moment: (clock: string, age: string) => `${clock} · ${age} ago`,
  close: "Close the playback of all cameras",
  timeline: "Timeline of all cameras",
};

export const figures = {
  painted: "Shown",
  received: "Received",
  latency: "Latency",
  data: "Data",
  size: "Size",
  drops: "Drops",
  roundTrip: "Round trip",
  longTasks: "Long tasks in 10 s",
  noLongTasks: "none",
  longTasksOf: (count: string, median: string) => `${count}, median ${median}`,
  decoding: "Decoding",
  /** Where frames are painted. */
  methods: { "in a worker": "in a worker", "on the page": "on the page" },
  stages: {
    capture: "Capture to server",
    transit: "Server to server",
    server: "In the server",
    delivery: "Server to screen",
  },
  shortStages: { capture: "Capture", transit: "Servers", server: "Server", delivery: "Delivery" },
  byStage: "Latency by stage",
  byCamera: "Latency by camera",
  lastMinute: (seconds: number, least: string, most: string) =>
    `Latency of the last ${seconds} seconds: ${least} to ${most}`,
  noLatency: "No latency is known",
  /** Why the pictures of a camera come late. */
  slow: {
    silent: { title: "No new picture", advice: "The camera is connected, but sends nothing." },
    unreachable: {
      title: "Server lost",
      advice: "The server that has this camera does not answer this server.",
    },
    detector: {
      title: "Detector",
      advice: "Each picture waits for its boxes. Switch Exact off to see it at once.",
    },
    camera: { title: "Slow camera", advice: "The camera or its link to the server takes this long." },
    transit: { title: "Slow servers", advice: "The way between two servers takes this long." },
    server: { title: "Busy server", advice: "The server takes this long to send a picture." },
    link: { title: "Slow link", advice: "The way from the server to this page takes this long." },
    device: { title: "Slow device", advice: "This device needs this long to show a picture." },
  } satisfies Record<SlowPart, { readonly title: string; readonly advice: string }>,
};

export const link = {
  states: {
    connecting: "Connecting",
    live: "Connected",
    polling: "Fallback",
    unreachable: "Server unreachable",
    refused: "No access",
    stopped: "Stopped",
  } satisfies Record<ViewerLink, string>,
  polling: "There is no live connection. Until there is one, a few pictures a second arrive over plain HTTP.",
  unreachable:
    "The server does not answer. The pictures below are the last ones. This page keeps trying to connect.",
  refused: "The server does not allow this page to watch. The pictures below are the last ones.",
  lostSince: (clock: string) => `No connection since ${clock}.`,
  lastPictures: "The pictures are the last ones.",
  retry: "Retry now",
};
