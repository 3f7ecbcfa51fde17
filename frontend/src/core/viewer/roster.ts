/** The cameras a viewer knows, in the order in which a page shows them. */

import type { CameraInfo } from "../protocol.js";
import { ViewedCamera, type CameraSnapshot } from "./camera.js";

export interface ViewerTotals {
  readonly cameras: number;
  readonly live: number;
  readonly fps: number;
  readonly receivedFps: number;
  readonly bytesPerSecond: number;
  readonly dropped: number;
}

export const NO_TOTALS: ViewerTotals = {
  cameras: 0,
  live: 0,
  fps: 0,
  receivedFps: 0,
  bytesPerSecond: 0,
  dropped: 0,
};

export class Roster {
  private readonly cameras = new Map<string, ViewedCamera>();

  /** `wanted`: the ids to show; empty means all there are. */
  constructor(private readonly wanted: readonly string[]) {}

  wants(clientId: string): boolean {
    return this.wanted.length === 0 || this.wanted.includes(clientId);
  }

  get(clientId: string): ViewedCamera | undefined {
    return this.cameras.get(clientId);
  }

  /** The camera, which is new if nobody has asked for it before. */
  of(clientId: string): ViewedCamera {
    let camera = this.cameras.get(clientId);
    if (!camera) this.cameras.set(clientId, (camera = new ViewedCamera(clientId)));
    return camera;
  }

  [Symbol.iterator](): IterableIterator<ViewedCamera> {
    return this.cameras.values();
  }

  describe(info: CameraInfo): void {
    if (this.wants(info.clientId)) this.of(info.clientId).describe(info);
  }

  /** Takes the list of all that the server knows. */
  replace(list: readonly CameraInfo[]): void {
    const known = new Set(list.map((camera) => camera.clientId));
    for (const info of list) this.describe(info);
    for (const id of [...this.cameras.keys()]) if (!known.has(id)) this.forget(id);
  }

  /** A camera that was asked for by name keeps its place. */
  forget(clientId: string): void {
    if (this.wanted.includes(clientId)) this.cameras.get(clientId)?.setOnline(false);
    else this.cameras.delete(clientId);
  }

  /** Frames flow anew: what was missed meanwhile was nobody's drop. */
  interrupted(): void {
    for (const camera of this) camera.interrupted();
  }

  /** `offset` is the server's clock minus ours, if known. */
  snapshot(now: number, offset: number | undefined): { cameras: CameraSnapshot[]; totals: ViewerTotals } {
    const cameras = Array.from(this, (camera) => camera.snapshot(now, offset)).sort(
      (a, b) =>
        a.name.localeCompare(b.name, undefined, { numeric: true }) || (a.clientId < b.clientId ? -1 : 1),
    );
    const sum = (of: (camera: CameraSnapshot) => number): number =>
      cameras.reduce((total, c) => total + of(c), 0);
    const totals = {
      cameras: cameras.length,
      live: cameras.filter((camera) => camera.status === "live").length,
      fps: sum((camera) => camera.fps),
      receivedFps: sum((camera) => camera.receivedFps),
      bytesPerSecond: sum((camera) => camera.bytesPerSecond),
      dropped: sum((camera) => camera.dropped),
    };
    return { cameras, totals };
  }
}
