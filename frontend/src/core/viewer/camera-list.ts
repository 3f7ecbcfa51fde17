/** The cameras that a viewer knows, in the order in which a page shows them. */

import { isCameraId, type CameraInfo } from "../protocol.js";
import { now } from "../clock.js";
import { ViewedCamera, type CameraSnapshot, type CameraStatus, type Connection } from "./camera.js";
import type { ViewerTotals } from "./snapshot.js";

export class CameraList {
  private readonly cameras = new Map<string, ViewedCamera>();

  /** `wanted` has the ids of the cameras to show; empty means all. */
  constructor(private readonly wanted: readonly string[]) {}

  /** Lists the cameras that are asked for by their ids. Nothing is known of them until the server describes them. */
  addWanted(): void {
    for (const id of this.wanted) if (isCameraId(id)) this.getOrAdd(id).setKnown(undefined);
  }

  wants(cameraId: string): boolean {
    return this.wanted.length === 0 || this.wanted.includes(cameraId);
  }

  get(cameraId: string): ViewedCamera | undefined {
    return this.cameras.get(cameraId);
  }

  /** Returns the camera; adds it if it is not in the list. */
  getOrAdd(cameraId: string): ViewedCamera {
    let camera = this.cameras.get(cameraId);
    if (!camera) this.cameras.set(cameraId, (camera = new ViewedCamera(cameraId)));
    return camera;
  }

  [Symbol.iterator](): IterableIterator<ViewedCamera> {
    return this.cameras.values();
  }

  /** Takes what the server reports about one camera. */
  describe(info: CameraInfo): void {
    if (this.wants(info.cameraId)) this.getOrAdd(info.cameraId).describe(info, now());
  }

  /** Takes the complete list of the server's cameras. */
  replace(list: readonly CameraInfo[]): void {
    const known = new Set(list.map((camera) => camera.cameraId));
    for (const info of list) this.describe(info);
    for (const id of [...this.cameras.keys()]) if (!known.has(id)) this.forget(id);
  }

  /** Removes a camera. A camera that was asked for by its id stays in the list as unknown. */
  forget(cameraId: string): void {
    if (this.wanted.includes(cameraId)) this.cameras.get(cameraId)?.setKnown(false);
    else this.cameras.delete(cameraId);
  }

  /**
   * Frames until the next one are left out on purpose, so the gap in the sequence numbers does not count as dropped
   * frames.
   */
  interrupted(): void {
    for (const camera of this) camera.interrupted();
  }

  snapshot(at: number, connectionOf: (cameraId: string) => Connection): CameraSnapshot[] {
    const cameras = Array.from(this, (camera) => camera.snapshot(at, connectionOf(camera.cameraId)));
    return cameras.sort(
      (a, b) =>
        a.name.localeCompare(b.name, undefined, { numeric: true }) || (a.cameraId < b.cameraId ? -1 : 1),
    );
  }
}

export function totalsOf(cameras: readonly CameraSnapshot[]): ViewerTotals {
  const sum = (of: (camera: CameraSnapshot) => number): number =>
    cameras.reduce((total, camera) => total + of(camera), 0);
  return {
    cameras: cameras.length,
    live: count(cameras, "live"),
    offline: count(cameras, "offline"),
    fps: sum((camera) => camera.fps),
    receivedFps: sum((camera) => camera.receivedFps),
    bytesPerSecond: sum((camera) => camera.bytesPerSecond),
    dropped: sum((camera) => camera.dropped),
  };
}

function count(cameras: readonly CameraSnapshot[], status: CameraStatus): number {
  return cameras.filter((camera) => camera.status === status).length;
}
