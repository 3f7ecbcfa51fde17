import { useEffect, useState } from "react";
import type { GetToken } from "../core/access.js";
import { Store, type Readable } from "../core/store.js";
import { mountViewer, type MountedViewer } from "../core/viewer/mount-viewer.js";
import type { Painter } from "../core/viewer/painter.js";
import type { ViewerSession } from "../core/viewer/session.js";
import { STOPPED_VIEWER, type ViewerSnapshot } from "../core/viewer/snapshot.js";
import { useGetToken } from "./use-get-token.js";

export interface UseViewerOptions {
  /** The server's address; if left out, the server that served the page. */
  readonly serverUrl?: string | undefined;
  /** The ids of the cameras to show; left out or empty means all. */
  readonly cameras?: readonly string[] | undefined;
  /** The highest frame rate of each camera. */
  readonly maxFps?: number | undefined;
  /** Returns the token for the server; asked again when the server refuses it, and before it expires. */
  readonly getToken?: GetToken | undefined;
}

/** The methods of the viewer's session that components may call. */
export type ViewerControls = Pick<
  ViewerSession,
  | "setShownWidth"
  | "seek"
  | "goLive"
  | "describePlayback"
  | "clipUrl"
  | "frameUrl"
  | "setBoxesShown"
  | "setExactBoxes"
  | "base"
  | "hasToken"
  | "request"
  | "retry"
>;

export interface Viewer {
  /** The state of the viewer, updated several times a second. `useStore` selects the part that a component shows. */
  readonly snapshot: Readable<ViewerSnapshot>;
  /** Null until the component is mounted. */
  readonly painter: Painter | null;
  /** Null until the component is mounted. */
  readonly controls: ViewerControls | null;
}

const STOPPED: Viewer = { snapshot: new Store(STOPPED_VIEWER), painter: null, controls: null };

/**
 * Runs a viewer as long as the component is mounted. If the address is invalid, the snapshot's `failure` says so. The viewer pauses while the page is hidden. The component renders
 * again only when the viewer starts or stops, not when its state changes.
 */
export function useViewer({ serverUrl, cameras = [], maxFps, getToken }: UseViewerOptions = {}): Viewer {
  const wanted = cameras.join("\n");
  const [viewer, setViewer] = useState(STOPPED);
  const ask = useGetToken(getToken);

  useEffect(() => {
    let mounted: MountedViewer;
    try {
      const cameraIds = wanted === "" ? [] : wanted.split("\n");
      mounted = mountViewer({ server: serverUrl, cameras: cameraIds, maxFps, getToken: ask });
    } catch (error) {
      // An error in an effect would remove the whole app from the page.
      // eslint-disable-next-line react-hooks/set-state-in-effect -- only the browser knows the address of the page
      setViewer({ ...STOPPED, snapshot: new Store(invalidAddress(serverUrl, error)) });
      return () => setViewer(STOPPED);
    }
    const { session, painter, unmount } = mounted;
    setViewer({ snapshot: session.snapshot, painter, controls: session });
    return () => {
      unmount();
      setViewer(STOPPED);
    };
  }, [serverUrl, wanted, maxFps, ask]);

  return viewer;
}

function invalidAddress(serverUrl: string | undefined, error: unknown): ViewerSnapshot {
  const reason = error instanceof Error ? error.message : String(error);
  const detail = `${serverUrl ?? ""}: ${reason}`;
  return { ...STOPPED_VIEWER, failure: { kind: "bad-address", detail } };
}
