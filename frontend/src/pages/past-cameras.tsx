/** Lists the cameras that have recordings, but are not among those that the server knows now. */

import { useEffect, useState } from "react";
import { isObject } from "../core/protocol.js";
import { AccessApi } from "../core/rest.js";
import { useStore } from "../react/use-store.js";
import type { Viewer } from "../react/use-viewer.js";
import { useWords } from "../react/words.js";

interface RecordedCamera {
  readonly cameraId: string;
  /** When its first and its last recorded picture were taken, in milliseconds since the epoch. */
  readonly oldestAt: number;
  readonly newestAt: number;
}

export interface PastCamerasProps {
  readonly viewer: Viewer;
  /** A camera is to be shown at its last recording. */
  readonly onOpen: (cameraId: string, at: number) => void;
}

export function PastCameras({ viewer, onOpen }: PastCamerasProps) {
  const words = useWords();
  const { controls } = viewer;
  const known = useStore(viewer.snapshot, (snapshot) => snapshot.cameras);
  const [recorded, setRecorded] = useState<readonly RecordedCamera[]>([]);
  useEffect(() => {
    if (!controls) return;
    let current = true;
    new AccessApi(controls.base, controls.request).ask("GET", "history").then(
      (answer) => {
        if (current) setRecorded(readRecorded(answer.cameras));
      },
      // The server records nothing, or this person may not see it.
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, [controls]);

  const past = recorded.filter(
    ({ cameraId }) => !known.some((one) => one.known && one.cameraId === cameraId),
  );
  if (past.length === 0) return null;
  return (
    <section>
      <h3>{words.arrange.past}</h3>
      <ul>
        {past.map(({ cameraId, oldestAt, newestAt }) => (
          <li key={cameraId}>
            <button
              type="button"
              className="sky-button"
              onClick={() => onOpen(cameraId, newestAt)}
              aria-label={words.arrange.openPast(cameraId)}
            >
              <bdi>{cameraId}</bdi>
            </button>
            <span className="page-state">{words.format.dates(oldestAt, newestAt)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function readRecorded(value: unknown): RecordedCamera[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((one: unknown) => {
    if (!isObject(one) || typeof one.clientId !== "string") return [];
    const [oldestAt, newestAt] = [readTime(one.oldestAt), readTime(one.newestAt)];
    return oldestAt <= newestAt ? [{ cameraId: one.clientId, oldestAt, newestAt }] : [];
  });
}

function readTime(value: unknown): number {
  return typeof value === "string" ? Date.parse(value) : Number.NaN;
}
