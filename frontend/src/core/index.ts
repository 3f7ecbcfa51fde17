/** The core for apps without React: sessions that send and receive frames, and the codecs of the protocol. */

export * from "./protocol.js";
export type { AccessCode, AccessRefusal, GetToken } from "./access.js";
export { explain } from "./explain.js";
export type { Explanation, Failure } from "./failures.js";
export type { Readable } from "./store.js";
export {
  openBrowserCamera,
  cameraUnavailable,
  listCameras,
  watchCameras,
  type CameraChoice,
} from "./capture/camera.js";
export { CaptureSession, type CaptureOptions } from "./capture/session.js";
export type { CaptureConnection, CaptureSnapshot, CaptureStats } from "./capture/snapshot.js";
export type { Demand } from "./capture/demand.js";
export { DEFAULTS, generateCameraId, sanitize, type CaptureSettings } from "./capture/settings.js";
export { keepAwake } from "./capture/wake-lock.js";
export type { Box, CameraLatency, Position } from "./viewer/messages.js";
export { mountViewer, type MountedViewer } from "./viewer/mount-viewer.js";
export { Painter, type PaintedFrame, type PainterHandlers, type Surface } from "./viewer/painter.js";
export type { PlaybackState } from "./viewer/playback.js";
export type { FrameSink } from "./viewer/frame-presenter.js";
export { ViewerSession, type ViewerOptions } from "./viewer/session.js";
export type { ViewerLink, ViewerSnapshot, ViewerTotals } from "./viewer/snapshot.js";
export type { CameraSnapshot, CameraStatus } from "./viewer/camera.js";
