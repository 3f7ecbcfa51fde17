/** The recordings for a timeline, loaded only if the server has recordings of one of the cameras. */

import { useEffect, useMemo, useState } from "react";
import { Store } from "../core/store.js";
import type { History } from "../core/viewer/history.js";
import type { Past } from "../core/viewer/past.js";
import type { Span } from "../core/viewer/timeline-window.js";
import { useStore } from "./use-store.js";
import type { ViewerControls } from "./use-viewer.js";

type Parts = typeof import("./history-parts.js");

export interface HistoryView {
  readonly history: History;
  readonly parts: Parts;
  /** What is recorded in the shown part; null until the first answer. */
  readonly past: Past | null;
  /** To be called with the part that is shown. */
  readonly onShown: (span: Span) => void;
}

const NOTHING = new Store<null>(null);

/** Returns null while nothing is known to be recorded. `cameraIds` are those that the timeline shows. */
export function useHistory(
  controls: ViewerControls | null,
  cameraIds: readonly string[],
  recorded: boolean,
): HistoryView | null {
  const [parts, setParts] = useState<Parts | null>(null);
  useEffect(() => {
    if (!recorded) return;
    let current = true;
    import("./history-parts.js").then(
      (loaded) => {
        if (current) setParts(loaded);
      },
      // Without these parts, the timeline still plays.
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, [recorded]);
  const history = useMemo(
    () => (parts && controls ? new parts.History(controls.base, controls.request) : null),
    [parts, controls],
  );
  useEffect(() => {
    history?.start();
    return () => history?.stop();
  }, [history]);
  const named = cameraIds.join(" ");
  useEffect(() => history?.map.setCameras(named === "" ? [] : named.split(" ")), [history, named]);
  const past = useStore(history?.map.past ?? NOTHING);
  return useMemo(
    () =>
      history && parts ? { history, parts, past, onShown: (span: Span) => history.map.show(span) } : null,
    [history, parts, past],
  );
}
