/** Zooms and pans the picture with wheel, fingers and keys, and notices taps and swipes. */

import { useEffect, useLayoutEffect, useRef, useState, type PointerEvent, type RefObject } from "react";
import { limit, panBy, WHOLE, zoomAt, type Size, type Zoom } from "../core/viewer/zoom.js";

export interface Gestures {
  readonly onTap: () => void;
  /** A finger has moved this way while the whole picture was shown. */
  readonly onSwipe: (direction: "left" | "right" | "down") => void;
}

export interface ZoomControls {
  readonly zoom: Zoom;
  readonly stage: Size;
  /** Zooms into the middle. */
  readonly zoomBy: (factor: number) => void;
  readonly moveTo: (x: number, y: number) => void;
  readonly reset: () => void;
  readonly handlers: {
    readonly onPointerDown: (event: PointerEvent) => void;
    readonly onPointerMove: (event: PointerEvent) => void;
    readonly onPointerUp: (event: PointerEvent) => void;
    readonly onPointerCancel: (event: PointerEvent) => void;
  };
}

const DOUBLE_TAP_MS = 300;
const TAP_PX = 10;
const SWIPE_PX = 60;
const DOUBLE_TAP_FACTOR = 2;

interface Finger {
  x: number;
  y: number;
  readonly startX: number;
  readonly startY: number;
}

export function useZoom(
  element: RefObject<HTMLElement | null>,
  aspect: number,
  gestures: Gestures,
): ZoomControls {
  const [zoom, setZoom] = useState(WHOLE);
  const [stage, setStage] = useState<Size>({ width: 0, height: 0 });
  const fingers = useRef(new Map<number, Finger>());
  const pinched = useRef(false);
  const tap = useRef({ at: 0, timer: undefined as ReturnType<typeof setTimeout> | undefined });
  // A picture of another shape must not be shown beyond its edge.
  const shown = limit(zoom, aspect, stage);

  useLayoutEffect(() => {
    const { current } = element;
    if (!current) return;
    const measure = (): void => setStage({ width: current.clientWidth, height: current.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(current);
    return () => observer.disconnect();
  }, [element]);

  const fromMiddle = (x: number, y: number): { x: number; y: number } => {
    const box = element.current?.getBoundingClientRect();
    return box ? { x: x - box.left - box.width / 2, y: y - box.top - box.height / 2 } : { x: 0, y: 0 };
  };

  useEffect(() => {
    const { current } = element;
    if (!current) return;
    // React listens to the wheel passively, so the page would scroll or zoom too.
    const turned = (event: WheelEvent): void => {
      event.preventDefault();
      const factor = Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002));
      setZoom((before) => zoomAt(before, factor, fromMiddle(event.clientX, event.clientY), aspect, stage));
    };
    current.addEventListener("wheel", turned, { passive: false });
    return () => current.removeEventListener("wheel", turned);
  });
  useEffect(() => {
    const { current } = tap;
    return () => clearTimeout(current.timer);
  }, []);

  const tapped = (x: number, y: number, touch: boolean): void => {
    const at = performance.now();
    clearTimeout(tap.current.timer);
    if (at - tap.current.at < DOUBLE_TAP_MS) {
      tap.current.at = 0;
      setZoom((before) =>
        before.scale > 1 ? WHOLE : zoomAt(before, DOUBLE_TAP_FACTOR, fromMiddle(x, y), aspect, stage),
      );
      return;
    }
    tap.current.at = at;
    if (touch) tap.current.timer = setTimeout(gestures.onTap, DOUBLE_TAP_MS);
  };

  return {
    zoom: shown,
    stage,
    zoomBy: (factor) => setZoom((before) => zoomAt(before, factor, { x: 0, y: 0 }, aspect, stage)),
    moveTo: (x, y) => setZoom((before) => limit({ ...before, x, y }, aspect, stage)),
    reset: () => setZoom(WHOLE),
    handlers: {
      onPointerDown: (event) => {
        if (event.button !== 0) return;
        const { clientX: x, clientY: y } = event;
        if (fingers.current.size === 0) pinched.current = false;
        fingers.current.set(event.pointerId, { x, y, startX: x, startY: y });
        if (fingers.current.size > 1) pinched.current = true;
      },
      onPointerMove: (event) => {
        const finger = fingers.current.get(event.pointerId);
        if (!finger) return;
        const [dx, dy] = [event.clientX - finger.x, event.clientY - finger.y];
        const other = [...fingers.current].find(([id]) => id !== event.pointerId)?.[1];
        if (other) {
          const before = Math.hypot(finger.x - other.x, finger.y - other.y);
          const after = Math.hypot(event.clientX - other.x, event.clientY - other.y);
          const middle = fromMiddle((event.clientX + other.x) / 2, (event.clientY + other.y) / 2);
          setZoom((zoomed) =>
            panBy(
              zoomAt(zoomed, before > 0 ? after / before : 1, middle, aspect, stage),
              dx / 2,
              dy / 2,
              aspect,
              stage,
            ),
          );
        } else if (shown.scale > 1) setZoom((zoomed) => panBy(zoomed, dx, dy, aspect, stage));
        finger.x = event.clientX;
        finger.y = event.clientY;
      },
      onPointerUp: (event) => {
        const finger = fingers.current.get(event.pointerId);
        fingers.current.delete(event.pointerId);
        if (!finger || pinched.current) return;
        const [dx, dy] = [event.clientX - finger.startX, event.clientY - finger.startY];
        const touch = event.pointerType === "touch";
        if (Math.hypot(dx, dy) < TAP_PX) tapped(event.clientX, event.clientY, touch);
        else if (!touch || shown.scale > 1) return;
        else if (Math.abs(dx) > SWIPE_PX && Math.abs(dx) > 2 * Math.abs(dy))
          gestures.onSwipe(dx < 0 ? "left" : "right");
        else if (dy > SWIPE_PX && dy > 2 * Math.abs(dx)) gestures.onSwipe("down");
      },
      onPointerCancel: (event) => fingers.current.delete(event.pointerId),
    },
  };
}
