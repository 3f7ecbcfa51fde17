/** The state of a camera in words. */

import { useEffect, useState } from "react";
import { now } from "../core/clock.js";
import type { CameraSnapshot } from "../core/viewer/camera.js";
import { useWords } from "./words.js";

const AGE_EVERY_MS = 1000;

/** Returns our clock's time, and renders the component again every second. */
function useNow(): number {
  const [at, setAt] = useState(now);
  useEffect(() => {
    const timer = setInterval(() => setAt(now()), AGE_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return at;
}

/** A text with how long ago a moment by our clock was. */
function Aged({ since, text }: { since: number; text: (age: string, now: number) => string }) {
  const { format } = useWords();
  const at = useNow();
  return text(format.whole(at - since), at);
}

/** Explains a state that is not live, and pictures with which something is wrong; renders nothing for other states. `lost` says that the server does not answer. */
export function StatusNote({ camera, lost }: { camera: CameraSnapshot; lost: boolean }) {
  const words = useWords();
  const { status, takenAt, known, reachable, condition } = camera;
  if (status === "live" && condition !== null)
    return <span className="sky-condition">{words.camera.conditions[condition]}</span>;
  if (status === "stalled" && !reachable) return words.camera.otherServerLost;
  if (status === "stalled")
    return takenAt === null ? null : <Aged since={takenAt} text={words.camera.noPictureFor} />;
  if (status === "offline" && takenAt !== null) {
    const text = (age: string, now: number): string =>
      words.camera.offlineSince(words.format.moment(takenAt, now), age);
    return <Aged since={takenAt} text={text} />;
  }
  if (status === "offline") return words.status.offline;
  if (status === "stopped") return words.camera.stoppedByOwner;
  if (status !== "unknown") return null;
  if (lost) return words.camera.noConnection;
  return known ? null : words.camera.notKnown;
}
