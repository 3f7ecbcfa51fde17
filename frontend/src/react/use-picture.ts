/** Puts the picture of a camera into an element. */

import { useEffect, useLayoutEffect, type RefObject } from "react";
import type { Painter } from "../core/viewer/painter.js";
import { SharedCanvases } from "../core/viewer/shared-canvases.js";
import { ShownWidths } from "../core/viewer/shown-widths.js";
import { watchVisibility } from "../core/viewer/visibility.js";
import type { Viewer, ViewerControls } from "./use-viewer.js";

const canvases = new WeakMap<Painter, SharedCanvases>();

export function canvasesOf(painter: Painter): SharedCanvases {
  let shared = canvases.get(painter);
  if (!shared) canvases.set(painter, (shared = new SharedCanvases(painter)));
  return shared;
}

const widths = new WeakMap<ViewerControls, ShownWidths>();

export function widthsOf(controls: ViewerControls): ShownWidths {
  let shown = widths.get(controls);
  if (!shown) {
    shown = new ShownWidths((cameraId, pixels) => controls.setShownWidth(cameraId, pixels));
    widths.set(controls, shown);
  }
  return shown;
}

/** Where a picture is wanted, the least first. */
const RANKS = { tile: 0, strip: 1, view: 2 } as const;

/** The canvas belongs to the painter, not to React, so frames never cause a render. */
export function usePicture(
  { painter }: Viewer,
  cameraId: string,
  place: RefObject<HTMLElement | null>,
  kind: keyof typeof RANKS,
): void {
  useLayoutEffect(() => {
    if (!painter || !place.current) return;
    return canvasesOf(painter).claim(cameraId, place.current, RANKS[kind]);
  }, [painter, cameraId, place, kind]);
}

/**
 * Subscribes to the camera while the element is visible, with the width limit that fits its size on the page. With
 * `hidden`, the element counts as not visible.
 */
export function useShownSize(
  { controls, painter }: Viewer,
  cameraId: string,
  place: RefObject<HTMLElement | null>,
  hidden: boolean,
): void {
  useEffect(() => {
    const element = place.current;
    if (!controls || !element) return;
    if (hidden) {
      widthsOf(controls).set(cameraId, element, null);
      return;
    }
    return watchVisibility(element, (pixels) => {
      widthsOf(controls).set(cameraId, element, pixels);
      if (pixels === null || !painter) return;
      const { clientWidth: width, clientHeight: height } = element;
      canvasesOf(painter).surfaceOf(cameraId)?.setSize({ width, height, ratio: devicePixelRatio });
    });
  }, [controls, painter, cameraId, place, hidden]);
}
