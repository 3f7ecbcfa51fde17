/** React components and hooks for cameras in the browser. They need `skysentry-trio/style.css`. */

import { CameraGrid as BrowserGrid, type CameraGridProps as GridProps } from "./camera-grid.js";
import { clientOnly } from "./client-only.js";
import {
  FailureNotice as Reason,
  LinkNotice as Notice,
  LinkStatus as Status,
  LostBanner as Banner,
} from "./link-status.js";
import {
  SkySentryClient as BrowserClient,
  type SkySentryClientProps as ClientProps,
} from "./skysentry-client.js";
import { withLanguage, type WithLanguage } from "./with-language.js";

export type SkySentryClientProps = ClientProps & WithLanguage;
export type CameraGridProps = GridProps & WithLanguage;

/** A camera: preview, start and stop, settings, figures, and error messages. */
export const SkySentryClient = clientOnly<SkySentryClientProps>(
  withLanguage<ClientProps>(BrowserClient, "SkySentryClient"),
  "SkySentryClient",
);
// As in SkySentry Go: `import SkySentryClient from ...`.
export default SkySentryClient;
/** Shows all cameras of a viewer; a camera that is chosen fills the page. */
export const CameraGrid = clientOnly<CameraGridProps>(
  withLanguage<GridProps>(BrowserGrid, "CameraGrid"),
  "CameraGrid",
);

/** The state of the connection in one or two words. */
export const LinkStatus = withLanguage(Status, "LinkStatus");
/** Explains a problem with the connection, if there is one. */
export const LinkNotice = withLanguage(Notice, "LinkNotice");
/** Says that the server does not answer, since when, and offers to try again. */
export const LostBanner = withLanguage(Banner, "LostBanner");
/** Explains why the server does not serve this page, if the reason is known. */
export const FailureNotice = withLanguage(Reason, "FailureNotice");

export type { Language } from "../core/words/language.js";
export type { SkySentryViewerAttributes } from "./jsx.js";
export { useCapture, type Capture, type UseCaptureOptions } from "./use-capture.js";
export { useStore } from "./use-store.js";
export { useViewer, type UseViewerOptions, type Viewer, type ViewerControls } from "./use-viewer.js";
export { useWallPlayback } from "./use-wall-playback.js";
export type { WallPlayback } from "../core/viewer/wall-playback.js";
export type { CaptureSettings } from "../core/capture/settings.js";
export type { CaptureSnapshot } from "../core/capture/snapshot.js";
export type { ViewerSnapshot } from "../core/viewer/snapshot.js";
export { Route } from "../core/viewer/route.js";
export { WallChoices, type CameraGroup, type WallSettings } from "../core/viewer/wall-choices.js";
export type { LayoutName } from "../core/viewer/wall-layout.js";
