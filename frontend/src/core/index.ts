/** The core for apps without React: sessions that capture and view, and the protocol they speak. */

export * from "./protocol.js";
export { explain, type Explanation, type Failure } from "./failures.js";
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
export { DEFAULTS, inventClientId, sanitize, type CaptureSettings } from "./capture/settings.js";
export { keepAwake } from "./capture/wake-lock.js";
export type { Box, CameraLatency, Position } from "./viewer/messages.js";
export { Painter, type PaintedPicture, type PainterHandlers, type Surface } from "./viewer/painter.js";
export type { Replay } from "./viewer/replay.js";
export type { FrameSink } from "./viewer/screen.js";
export {
  ViewerSession,
  type ViewerLink,
  type ViewerOptions,
  type ViewerSnapshot,
  type ViewerTotals,
} from "./viewer/session.js";
export type { CameraSnapshot, CameraStatus } from "./viewer/camera.js";
