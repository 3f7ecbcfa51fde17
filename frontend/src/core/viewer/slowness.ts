/** Finds out why the pictures of a camera come late. */

import type { CameraSnapshot } from "./camera.js";

export type SlowPart =
  /** The camera sends nothing new. */
  | "silent"
  /** The server that has the camera does not answer the page's server. */
  | "unreachable"
  /** The picture waits for its boxes, because a person has asked for that. */
  | "detector"
  /** The camera, or its way to the server. */
  | "camera"
  /** The way between two servers. */
  | "transit"
  | "server"
  /** The way from the server to this page. */
  | "link"
  /** This page cannot paint as quickly as pictures come. */
  | "device";

export interface Slowness {
  readonly part: SlowPart;
  /** Milliseconds that this part takes; null if that is not known. */
  readonly delay: number | null;
}

/** Younger pictures are called fresh. Milliseconds. */
const FRESH_MS = 250;
/** A shorter wait for boxes is not seen. */
const BOXES_MS = 50;

/** Returns what takes longest, or null if the pictures are fresh or the reason is not known. */
export function whySlow(camera: CameraSnapshot, roundTrip: number | null): Slowness | null {
  const { status, latency, boxDelay } = camera;
  if (status === "stalled") return { part: camera.reachable ? "silent" : "unreachable", delay: null };
  if (status !== "live") return null;
  if (boxDelay >= BOXES_MS) return { part: "detector", delay: boxDelay };
  if (!latency || latency.total < FRESH_MS) return null;
  const { server, delivery } = latency;
  const capture = latency.capture ?? 0;
  const transit = latency.transit ?? 0;
  if (capture >= Math.max(transit, server, delivery)) return { part: "camera", delay: capture };
  if (transit >= Math.max(server, delivery)) return { part: "transit", delay: transit };
  if (server >= delivery) return { part: "server", delay: server };
  // A question to the server waits on the same link as the pictures, but this page does not have to paint it.
  const isLink = roundTrip !== null && roundTrip >= delivery / 2;
  return { part: isLink ? "link" : "device", delay: delivery };
}

/** Samples that decide the order of cameras; one sample alone would change it every second. */
const RECENT = 10;

/** Returns the cameras whose figures are known, the one with the oldest pictures first. */
export function worstFirst(cameras: readonly CameraSnapshot[]): CameraSnapshot[] {
  const age = ({ status, latencies }: CameraSnapshot): number => {
    const recent = latencies.slice(-RECENT);
    if (status === "stalled") return Number.POSITIVE_INFINITY;
    return recent.reduce((sum, one) => sum + one, 0) / Math.max(1, recent.length);
  };
  return cameras
    .filter(({ status, latency }) => status === "stalled" || latency !== null)
    .map((camera) => ({ camera, age: age(camera) }))
    .sort((a, b) => (a.age === b.age ? 0 : b.age - a.age))
    .map(({ camera }) => camera);
}
