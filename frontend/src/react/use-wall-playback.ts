/** Plays a wall in step: makes the controller, keeps it informed, and lets cameras take part again that fell out. */

import { useEffect, useMemo } from "react";
import { Store } from "../core/store.js";
import { WallPlayback, type WallMoment } from "../core/viewer/wall-playback.js";
import type { ViewerSnapshot } from "../core/viewer/snapshot.js";
import { useStore } from "./use-store.js";
import type { Viewer } from "./use-viewer.js";

/** The timelines grow, and the server drops old frames. */
const DESCRIBE_EVERY_MS = 2000;
const TICK_MS = 250;
/** The server has answered a command within this time. */
const REJOIN_EVERY_MS = 1500;

/** Returns the playback of the wall, or null until there is a connection. `open` says that its controls are shown. */
export function useWallPlayback({ snapshot, controls }: Viewer, open: boolean): WallPlayback | null {
  const playback = useMemo(
    () => controls && new WallPlayback(controls, () => snapshot.getSnapshot().clockOffset ?? 0),
    [controls, snapshot],
  );
  useEffect(() => () => playback?.goLive(), [playback]);
  useEffect(() => {
    if (!playback || !open) return;
    const describing = setInterval(() => playback.describe(), DESCRIBE_EVERY_MS);
    const ticking = setInterval(() => playback.tick(), TICK_MS);
    return () => {
      clearInterval(describing);
      clearInterval(ticking);
      playback.goLive();
    };
  }, [playback, open]);

  const receives = useStore(snapshot, ({ link, paused }) => link === "live" && !paused);
  useEffect(() => {
    // Commands before there is a connection were lost, and a new connection begins with live frames.
    if (receives) playback?.resume();
  }, [playback, receives]);
  useEffect(() => {
    if (receives && open) playback?.describe();
  }, [playback, receives, open]);

  const oldest = useStore(snapshot, oldestOf);
  useEffect(() => playback?.setOldest(oldest), [playback, oldest]);

  const active = useIsReplay(playback);
  const live = useStore(snapshot, liveCameras);
  useEffect(() => {
    if (live === "" || !active) return;
    const timer = setInterval(() => playback?.rejoin(live.split(" ")), REJOIN_EVERY_MS);
    return () => clearInterval(timer);
  }, [playback, live, active]);
  return playback;
}

const LIVE = new Store<null>(null);

/** Returns whether the wall shows a moment of the past. */
export function useIsReplay(playback: WallPlayback | null): boolean {
  return useStore<WallMoment | null, boolean>(playback?.moment ?? LIVE, (moment) => moment !== null);
}

/** When the oldest frame of any camera came, in whole seconds; `Infinity` if nothing is known. */
export function oldestOf({ cameras }: ViewerSnapshot): number {
  const oldest = Math.min(...cameras.map(({ playback }) => playback?.oldestAt ?? Number.POSITIVE_INFINITY));
  return Math.floor(oldest / 1000) * 1000;
}

/** The cameras that the server shows live: if the wall is not live, they were out of sight, or the connection was lost. */
function liveCameras({ cameras }: ViewerSnapshot): string {
  return cameras
    .filter(({ playback, status }) => playback?.live === true && status !== "offline" && status !== "stopped")
    .map(({ cameraId }) => cameraId)
    .join(" ");
}
