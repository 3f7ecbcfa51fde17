/** The state of a camera in words. */

import { useEffect, useState } from "react";
import { now } from "../core/clock.js";
import type { CameraSnapshot, CameraStatus } from "../core/viewer/camera.js";
import { formatClock, formatFor } from "./format.js";

export const STATUS_TEXT: Record<CameraStatus, string> = {
  waiting: "Connecting",
  live: "Live",
  stalled: "Late",
  offline: "Offline",
  stopped: "Stopped",
  unknown: "Unknown",
};

const AGE_EVERY_MS = 1000;

/** How long ago a moment by our clock was. Renders itself again every second. */
export function Age({ since }: { since: number | null }) {
  const [at, setAt] = useState(now);
  useEffect(() => {
    const timer = setInterval(() => setAt(now()), AGE_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return since === null ? "–" : formatFor(at - since);
}

/** Explains a state that is not live; renders nothing for other states. `lost` says that the server does not answer. */
export function StatusNote({ camera, lost }: { camera: CameraSnapshot; lost: boolean }) {
  const { status, takenAt, known } = camera;
  if (status === "stalled")
    return (
      <>
        no new picture for <Age since={takenAt} />
      </>
    );
  if (status === "offline" && takenAt !== null)
    return (
      <>
        Offline, last picture {formatClock(takenAt)}, <Age since={takenAt} /> ago
      </>
    );
  if (status === "offline") return "Offline";
  if (status === "stopped") return "Stopped by its owner";
  if (status !== "unknown") return null;
  if (lost) return "no connection";
  return known ? null : "The server does not know this camera";
}
