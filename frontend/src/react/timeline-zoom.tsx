/** Zooms a timeline with the wheel, two fingers, keys and buttons. */

import { useEffect, useRef, useState, type KeyboardEvent, type PointerEvent, type RefObject } from "react";
import {
  FIRST_ZOOM,
  followMoment,
  moveSpan,
  shownSpan,
  zoomAround,
  zoomTo,
  ZOOMABLE_MS,
  type Span,
  type TimelineZoom,
} from "../core/viewer/timeline-window.js";
import { IconButton } from "./icon-button.js";
import { useWords } from "./words.js";

const STEP = 2;
/** Pixels of the wheel for a factor of two. */
const WHEEL_PX = 300;
/** The part of the shown time by which one turn of a wheel to the side moves it, for each pixel. */
const MOVE_PER_PX = 1 / 1000;

export interface TimelineZoomed {
  readonly span: Span;
  /** Whether the past is long enough to be zoomed. */
  readonly possible: boolean;
  readonly isWhole: boolean;
  /** Whether two fingers are on the timeline. */
  readonly pinching: () => boolean;
  readonly zoomBy: (factor: number) => void;
  readonly showAll: () => void;
  /** Moves the shown part by milliseconds, later if they are positive. */
  readonly moveBy: (milliseconds: number) => void;
  /** Shows a part, for example a day. */
  readonly show: (span: Span) => void;
  readonly handlers: {
    readonly onPointerDown: (event: PointerEvent) => void;
    readonly onPointerMove: (event: PointerEvent) => void;
    readonly onPointerUp: (event: PointerEvent) => void;
    readonly onPointerCancel: (event: PointerEvent) => void;
  };
  readonly onKeyDown: (event: KeyboardEvent) => void;
}

/** `at` is the moment that is played; the shown part follows it. */
export function useTimelineZoom(
  track: RefObject<HTMLElement | null>,
  whole: Span,
  at: number,
): TimelineZoomed {
  const [zoom, setZoom] = useState<TimelineZoom | null>(FIRST_ZOOM);
  const [before, setBefore] = useState(at);
  if (before !== at) {
    setBefore(at);
    const followed = followMoment(zoom, whole, before, at);
    if (followed !== zoom) setZoom(followed);
  }
  const span = shownSpan(zoom, whole);

  const momentAt = (clientX: number): number => {
    const box = track.current?.getBoundingClientRect();
    if (!box || box.width === 0) return span.to;
    return span.from + ((clientX - box.left) / box.width) * (span.to - span.from);
  };
  const zoomAt = (moment: number, factor: number): void => setZoom(zoomAround(zoom, whole, moment, factor));
  const middle = at >= span.from && at <= span.to ? at : (span.from + span.to) / 2;
  const zoomBy = (factor: number): void => zoomAt(middle, factor);

  const turned = useRef<(event: WheelEvent) => void>(() => undefined);
  useEffect(() => {
    turned.current = (event) => {
      if (whole.to - whole.from < ZOOMABLE_MS) return;
      event.preventDefault();
      const aside = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX;
      if (Math.abs(aside) >= Math.abs(event.deltaY))
        setZoom(moveSpan(zoom, whole, aside * MOVE_PER_PX * (span.to - span.from)));
      else zoomAt(momentAt(event.clientX), 2 ** (-event.deltaY / WHEEL_PX));
    };
  });
  useEffect(() => {
    const element = track.current;
    const listener = (event: WheelEvent): void => turned.current(event);
    // React's own listeners cannot keep the browser from zooming the page.
    element?.addEventListener("wheel", listener, { passive: false });
    return () => element?.removeEventListener("wheel", listener);
  }, [track]);

  const fingers = useRef(new Map<number, number>());
  const lift = (event: PointerEvent): void => void fingers.current.delete(event.pointerId);
  return {
    span,
    possible: whole.to - whole.from >= ZOOMABLE_MS,
    isWhole: zoom === null || zoom.length >= whole.to - whole.from,
    pinching: () => fingers.current.size > 1,
    zoomBy,
    showAll: () => setZoom(null),
    moveBy: (milliseconds) => setZoom(moveSpan(zoom, whole, milliseconds)),
    show: (part) => setZoom(zoomTo(part, whole)),
    handlers: {
      onPointerDown: (event) => {
        if (event.pointerType === "touch") fingers.current.set(event.pointerId, event.clientX);
      },
      onPointerMove: (event) => {
        if (!fingers.current.has(event.pointerId)) return;
        const distance = spread(fingers.current);
        fingers.current.set(event.pointerId, event.clientX);
        const now = spread(fingers.current);
        if (distance > 20 && now > 20) zoomAt(momentAt(middleOf(fingers.current)), now / distance);
      },
      onPointerUp: lift,
      onPointerCancel: lift,
    },
    onKeyDown: (event) => {
      const keys: Record<string, () => void> = {
        "+": () => zoomBy(STEP),
        "=": () => zoomBy(STEP),
        "-": () => zoomBy(1 / STEP),
        "0": () => setZoom(null),
      };
      const action = whole.to - whole.from >= ZOOMABLE_MS ? keys[event.key] : undefined;
      if (!action || event.ctrlKey || event.metaKey) return;
      // Elsewhere these keys zoom the picture.
      event.preventDefault();
      action();
    },
  };
}

/** The distance of two fingers in pixels; 0 for one finger. */
function spread(fingers: ReadonlyMap<number, number>): number {
  const [one, other] = fingers.values();
  return one === undefined || other === undefined ? 0 : Math.abs(one - other);
}

function middleOf(fingers: ReadonlyMap<number, number>): number {
  const all = [...fingers.values()];
  return all.reduce((sum, x) => sum + x, 0) / all.length;
}

/** Renders nothing while the past is too short to be zoomed. */
export function TimelineZoomButtons({ zoomed, whole }: { zoomed: TimelineZoomed; whole: Span }) {
  const words = useWords();
  const { possible, isWhole, span, zoomBy, showAll } = zoomed;
  if (!possible) return null;
  const all = words.format.whole(whole.to - whole.from);
  return (
    <div className="sky-timeline__zoom" role="group" aria-label={words.playback.zoom}>
      <IconButton
        icon="minus"
        label={words.playback.zoomOut}
        disabled={isWhole}
        onClick={() => zoomBy(1 / STEP)}
      />
      <button type="button" disabled={isWhole} onClick={showAll} title={words.playback.zoomAll}>
        {isWhole ? all : words.playback.zoomed(words.format.whole(span.to - span.from), all)}
      </button>
      <IconButton icon="plus" label={words.playback.zoomIn} onClick={() => zoomBy(STEP)} />
    </div>
  );
}
