/** Says for screen readers which cameras have left and come back. Others see it on the wall. */

import { useEffect, useRef, useState } from "react";
import type { CameraSnapshot } from "../core/viewer/camera.js";
import type { ViewerSnapshot } from "../core/viewer/snapshot.js";
import { useStore } from "../react/use-store.js";
import type { Viewer } from "../react/use-viewer.js";
import { useWords } from "../react/words.js";

/** Returns whether a camera is offline; undefined while nobody can know, or nobody needs to. */
function isAway({ status }: CameraSnapshot): boolean | undefined {
  if (status === "offline") return true;
  return status === "live" || status === "stalled" ? false : undefined;
}

/** The same text as long as no camera leaves or comes back. */
function describe({ cameras }: ViewerSnapshot): string {
  return cameras.map((camera) => `${camera.cameraId} ${isAway(camera)}`).join("\n");
}

export function WallNews({ viewer }: { viewer: Viewer }) {
  const words = useWords();
  const described = useStore(viewer.snapshot, describe);
  const known = useRef(new Map<string, boolean>());
  const [news, setNews] = useState("");
  useEffect(() => {
    const said = viewer.snapshot.getSnapshot().cameras.flatMap((camera) => {
      const [before, away] = [known.current.get(camera.cameraId), isAway(camera)];
      if (away !== undefined) known.current.set(camera.cameraId, away);
      // A camera that is seen for the first time is no news.
      if (before === undefined || away === undefined || before === away) return [];
      return [away ? words.camera.left(camera.name) : words.camera.cameBack(camera.name)];
    });
    if (said.length > 0) setNews(said.join(" "));
  }, [described, viewer, words]);
  return (
    <p className="sky-visually-hidden" role="status">
      {news}
    </p>
  );
}
