import { act } from "react";
import { now } from "../../src/core/clock.js";
import { Store } from "../../src/core/store.js";
import type { CameraSnapshot } from "../../src/core/viewer/camera.js";
import type { Painter } from "../../src/core/viewer/painter.js";
import { STOPPED_VIEWER, unknownCamera, type ViewerSnapshot } from "../../src/core/viewer/snapshot.js";
import type { Viewer, ViewerControls } from "../../src/react/use-viewer.js";

export function cameraSnapshot(cameraId: string, change: Partial<CameraSnapshot> = {}): CameraSnapshot {
  return {
    ...unknownCamera(cameraId),
    status: "live",
    known: true,
    fps: 14.96,
    receivedFps: 15,
    bytesPerSecond: 182_000,
    width: 640,
    height: 480,
    takenAt: now() - 45,
    dropped: 3,
    painted: 100,
    sequence: 103,
    ...change,
  };
}

/** When the picture on every fake surface was taken. */
export const TAKEN_AT = new Date(2026, 10, 29, 14, 3, 22, 450).getTime();

/** The controls of a viewer; each call is added to `requests`. */
export function fakeControls(requests: unknown[] = []): ViewerControls {
  return {
    setShownWidth: () => undefined,
    seek: (_, position, speed) => requests.push([position, speed]),
    goLive: () => requests.push("live"),
    describePlayback: () => requests.push("describe"),
    clipUrl: (_, from, to, format) => `clip-${from}-${to}-${format}`,
    frameUrl: (cameraId, at) => `frame-${cameraId}-${at}`,
    setBoxesShown: (shown) => requests.push(shown),
    setExactBoxes: (exact) => requests.push(["exact", exact]),
    base: new URL("http://server/"),
    hasToken: false,
    request: (url, options) => globalThis.fetch(url, options),
    retry: () => requests.push("retry"),
  };
}

/** A viewer whose state the test sets, and whose painter notes which surfaces it opens and closes. */
export function fakeViewer(cameras: readonly CameraSnapshot[], controls: ViewerControls | null = null) {
  const opened: string[] = [];
  const closed: string[] = [];
  const painter = {
    open(cameraId: string) {
      opened.push(cameraId);
      const canvas = document.createElement("canvas");
      return {
        canvas,
        snapshot: () => Promise.resolve(null),
        picture: () =>
          Promise.resolve({
            jpeg: new Blob(["jpeg"]),
            mark: { sequence: 1, takenAt: TAKEN_AT, live: false },
          }),
        setSize: () => undefined,
        close: () => closed.push(cameraId),
      };
    },
  };
  const store = new Store<ViewerSnapshot>({ ...STOPPED_VIEWER, link: "live", cameras });
  const viewer: Viewer = { snapshot: store, painter: painter as unknown as Painter, controls };
  /** Changes the state, as a session does. */
  const update = (change: Partial<ViewerSnapshot>) =>
    act(() => store.set({ ...store.getSnapshot(), ...change }));
  return { viewer, update, opened, closed };
}
