/** Decides which cameras a wall shows, in which order and where. */

import { useEffect, useLayoutEffect, useMemo, useState, type RefObject } from "react";
import type { Space } from "../core/viewer/justified-rows.js";
import type { ViewerSnapshot } from "../core/viewer/snapshot.js";
import { arrange, type WallChoices } from "../core/viewer/wall-choices.js";
import { DEFAULT_ASPECT, layOut, type LayoutName, type WallLayout } from "../core/viewer/wall-layout.js";
import { useStore } from "./use-store.js";
import type { Viewer } from "./use-viewer.js";

/** Characters that are in no camera id. */
const BETWEEN = " ";
const WITHIN = "|";

/** What decides where the cameras are, as text: the same text as long as nothing in it changes. */
function describe({ cameras }: ViewerSnapshot): string {
  return cameras
    .map(({ cameraId, status, width, height }) => {
      const away = status === "offline" || status === "stopped" || status === "unknown" ? status : "";
      return [cameraId, away, height > 0 ? (width / height).toFixed(3) : ""].join(WITHIN);
    })
    .join(BETWEEN);
}

interface Shape {
  readonly cameraId: string;
  readonly status: string;
  readonly aspect: number;
}

/** Returns the cameras with their shapes: the same array as long as nothing in it changes. */
function useShapes(viewer: Viewer): readonly Shape[] {
  const described = useStore(viewer.snapshot, describe);
  return useMemo(
    () =>
      described === ""
        ? []
        : described.split(BETWEEN).map((camera) => {
            const [cameraId = "", status = "", aspect = ""] = camera.split(WITHIN);
            // A broken camera may send strips that nobody can lay out.
            const shape = Math.min(5, Math.max(0.2, Number(aspect) || DEFAULT_ASPECT));
            return { cameraId, status, aspect: shape };
          }),
    [described],
  );
}

export interface Wall extends WallLayout {
  /** The cameras of the page that is shown, in their order. */
  readonly cameraIds: readonly string[];
  /** The cameras of all pages. */
  readonly all: readonly string[];
}

export interface WallOptions {
  readonly viewer: Viewer;
  readonly choices: WallChoices;
  readonly group: string | null;
  readonly only: readonly string[];
  readonly layout: LayoutName;
  readonly page: number;
  readonly space: Space;
}

export function useWall({ viewer, choices, group, only, layout, page, space }: WallOptions): Wall {
  const shapes = useShapes(viewer);
  const settings = useStore(choices.settings);
  useEffect(() => {
    choices.note(shapes.map(({ cameraId }) => cameraId));
    // A camera that was removed while it was away has come back.
    for (const { cameraId, status } of shapes) if (status === "") choices.mark("removed", cameraId, false);
  }, [choices, shapes]);
  const all = useMemo(() => arrange(shapes, settings, group, only), [shapes, settings, group, only]);
  const laid = useMemo(() => {
    const aspects = all.map((id) => shapes.find(({ cameraId }) => cameraId === id)?.aspect ?? DEFAULT_ASPECT);
    return layOut(aspects, space, layout, page, settings.oneColumn);
  }, [all, shapes, space, layout, page, settings.oneColumn]);
  return useMemo(
    () => ({ ...laid, all, cameraIds: all.slice(laid.first, laid.first + laid.places.length) }),
    [laid, all],
  );
}

/** Returns the space from the wall's top left corner to the bottom of the window, less `below` pixels. */
export function useSpace(element: RefObject<HTMLElement | null>, below: number): Space {
  const [space, setSpace] = useState<Space>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const wall = element.current;
    if (!wall) return;
    const measure = (): void => {
      const { top } = wall.getBoundingClientRect();
      const width = wall.clientWidth;
      const height = window.innerHeight - (top + window.scrollY) - below;
      setSpace((before) => (before.width === width && before.height === height ? before : { width, height }));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(wall);
    // The content above the wall may change its height too.
    observer.observe(document.body);
    window.addEventListener("resize", measure);
    return () => {
      observer.disconnect();
      window.removeEventListener("resize", measure);
    };
  }, [element, below]);
  return space;
}
