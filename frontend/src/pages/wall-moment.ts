/** Keeps the moment of a wall that stands still in the address, so that a reload and a sent link show it. */

import { useEffect, useRef } from "react";
import type { Route } from "../core/viewer/route.js";
import type { WallPlayback } from "../core/viewer/wall-playback.js";

const WRITE_AFTER_MS = 500;

export function useWallMoment(route: Route, playback: WallPlayback | null): void {
  const started = useRef(false);
  useEffect(() => {
    if (!playback) return;
    const { at, view } = route.address.getSnapshot();
    if (!started.current && at !== null && view === null) playback.seekTo(at);
    started.current = true;
    let timer: ReturnType<typeof setTimeout>;
    const write = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        const moment = playback.moment.getSnapshot();
        const shown = moment?.speed === 0 ? Math.round(moment.at) : null;
        const address = route.address.getSnapshot();
        if (address.view === null && address.at !== shown) route.replace({ at: shown });
      }, WRITE_AFTER_MS);
    };
    const unsubscribe = playback.moment.subscribe(write);
    const unfollow = route.visits.subscribe(() => {
      const address = route.address.getSnapshot();
      if (address.view !== null) return;
      if (address.at === null) playback.goLive();
      else playback.seekTo(address.at);
    });
    return () => {
      clearTimeout(timer);
      unsubscribe();
      unfollow();
      if (route.address.getSnapshot().view === null) route.replace({ at: null });
    };
  }, [route, playback]);
}
