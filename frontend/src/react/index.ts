/** React components and hooks for cameras in the browser. They need `skysentry-trio/style.css`. */

export { SkySentryClient, type SkySentryClientProps } from "./skysentry-client.js";
export { CameraGrid, type CameraGridProps } from "./camera-grid.js";
export { LinkNotice, LinkStatus, LostBanner } from "./link-status.js";
export { useCapture, type Capture, type UseCaptureOptions } from "./use-capture.js";
export { useStore } from "./use-store.js";
export { useViewer, type UseViewerOptions, type Viewer, type ViewerControls } from "./use-viewer.js";
export type { CaptureSettings } from "../core/capture/settings.js";
export type { CaptureSnapshot } from "../core/capture/snapshot.js";
export type { ViewerSnapshot } from "../core/viewer/snapshot.js";
export { Route } from "../core/viewer/route.js";
export { WallChoices, type CameraGroup, type WallSettings } from "../core/viewer/wall-choices.js";
export type { LayoutName } from "../core/viewer/wall-layout.js";
