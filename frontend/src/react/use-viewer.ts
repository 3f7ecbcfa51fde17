import { useEffect, useState, useSyncExternalStore } from "react";
import { mountViewer, type MountedViewer } from "../core/viewer/mount-viewer.js";
import type { Painter } from "../core/viewer/painter.js";
import { ViewerSession, type ViewerSnapshot } from "../core/viewer/session.js";

export interface UseViewerOptions {
  /** The server's address; left out, the server that served the page. */
  readonly serverUrl?: string | undefined;
  /** The ids to show; left out or empty means all. */
  readonly cameras?: readonly string[] | undefined;
  /** The most frames a second of each camera. */
  readonly maxFps?: number | undefined;
}

/** What a page can ask of the session that feeds it. */
export type ViewerControls = Pick<
  ViewerSession,
  "setShownWidth" | "seek" | "goLive" | "clipUrl" | "setBoxesShown"
>;

export interface Viewer {
  readonly snapshot: ViewerSnapshot;
  /** Null until the page has been painted once. */
  readonly painter: Painter | null;
  /** Null until there is a painter. */
  readonly controls: ViewerControls | null;
}

const STOPPED: ViewerSnapshot = new ViewerSession({ page: "http://localhost/" }).snapshot.getSnapshot();

/** Views cameras as long as the component is mounted; pauses while the page is hidden. */
export function useViewer({ serverUrl, cameras = [], maxFps }: UseViewerOptions = {}): Viewer {
  const wanted = cameras.join("\n");
  const [mounted, setMounted] = useState<MountedViewer | null>(null);

  useEffect(() => {
    const viewer = mountViewer({
      server: serverUrl,
      cameras: wanted === "" ? [] : wanted.split("\n"),
      maxFps,
    });
    // eslint-disable-next-line react-hooks/set-state-in-effect -- the viewer is an outside thing that lives as long as the effect
    setMounted(viewer);
    return () => {
      viewer.unmount();
      setMounted(null);
    };
  }, [serverUrl, wanted, maxFps]);

  const source = mounted?.session.snapshot;
  const snapshot = useSyncExternalStore(source?.subscribe ?? never, source?.getSnapshot ?? stopped, stopped);
  return { snapshot, painter: mounted?.painter ?? null, controls: mounted?.session ?? null };
}

function never(): () => void {
  return () => undefined;
}

function stopped(): ViewerSnapshot {
  return STOPPED;
}
