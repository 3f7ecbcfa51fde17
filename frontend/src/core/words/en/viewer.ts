/** The wall, the tiles, the camera view and the state of the connection, in English. */

import type { CameraStatus } from "../../viewer/status.js";
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
  stoppedByOwner: "Stopped by its owner",
  noConnection: "no connection",
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
  saveClip: "Save clip",
  saving: "Saving…",
  clearClip: "Clear the clip",
};

export const figures = {
  painted: "Painted",
  received: "Received",
  latency: "Latency",
  data: "Data",
  size: "Size",
  drops: "Drops",
  superseded: "Superseded by newer",
  roundTrip: "Round trip",
  longTasks: "Long tasks in 10 s",
  noLongTasks: "none",
  longTasksOf: (count: string, median: string) => `${count}, median ${median}`,
  decoding: "Decoding",
  /** Where frames are painted. */
  methods: { "in a worker": "in a worker", "on the page": "on the page" },
  total: "Total",
  stages: { capture: "Capture to server", server: "In the server", delivery: "Server to screen" },
  shortStages: { capture: "Capture", server: "Server", delivery: "Delivery" },
  byStage: "Latency by stage",
  byCamera: "Latency by camera",
};

export const link = {
  states: {
    connecting: "Connecting",
    live: "Connected",
    polling: "Fallback",
    unreachable: "Server unreachable",
    stopped: "Stopped",
  } satisfies Record<ViewerLink, string>,
  polling: "There is no live connection. Until there is one, a few pictures a second arrive over plain HTTP.",
  unreachable:
    "The server does not answer. The pictures below are the last ones. This page keeps trying to connect.",
  lostSince: (clock: string) => `No connection since ${clock}. The pictures are the last ones.`,
  retry: "Retry now",
};
