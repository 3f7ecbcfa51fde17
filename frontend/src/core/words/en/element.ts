/** The captions of `<skysentry-viewer>` in English. */

export const element = {
  noClient: "No camera chosen: the attribute “client” is missing.",
  badServer: "The attribute “server” is not a valid address.",
  label: (cameraId: string) => `Camera ${cameraId}`,
  unreachable: "The server cannot be reached",
  refused: "The server does not allow this page to watch the camera",
  notKnown: "The server does not know this camera",
  captions: {
    offline: "The camera is offline",
    stopped: "The camera was stopped",
    stalled: "No new pictures",
  },
};
