/** React components and hooks for cameras in the browser. They need `skysentry-trio/style.css`. */

import { CameraGrid as BrowserGrid, type CameraGridProps } from "./camera-grid.js";
import { clientOnly } from "./client-only.js";
import { SkySentryClient as BrowserClient, type SkySentryClientProps } from "./skysentry-client.js";

/** A camera: preview, start and stop, settings, figures, and error messages. */
export const SkySentryClient = clientOnly<SkySentryClientProps>(BrowserClient, "SkySentryClient");
// As in SkySentry Go: `import SkySentryClient from ...`.
export default SkySentryClient;
/** Shows all cameras of a viewer; a camera that is chosen fills the page. */
export const CameraGrid = clientOnly<CameraGridProps>(BrowserGrid, "CameraGrid");

export type { CameraGridProps, SkySentryClientProps };
export type { SkySentryViewerAttributes } from "./jsx.js";
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
