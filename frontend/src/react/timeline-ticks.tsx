/** The clock times below a timeline. They can be dragged to move the shown part. */

import { useRef } from "react";
import { now } from "../core/clock.js";
import { dayStart, ticksOf, type TickKind } from "../core/viewer/timeline-ticks.js";
import type { Format } from "../core/words/format.js";
import type { TimelineZoomed } from "./timeline-zoom.js";
import { useWords } from "./words.js";

const TICK_PX = 90;
const MINUTE = 60_000;

export interface TimelineTicksProps {
  readonly zoomed: TimelineZoomed;
  readonly width: number;
  /** Whether the end of the timeline is the live picture. */
  readonly atNow: boolean;
}

export function TimelineTicks({ zoomed, width, atNow }: TimelineTicksProps) {
  const words = useWords();
  const { format } = words;
  const { from, to } = zoomed.span;
  const dragged = useRef<number | null>(null);
  const left = (at: number): number => (100 * (at - from)) / (to - from);
  // No tick beside the word at the end, nor cut off at the beginning.
  const room = width > 0 ? 3500 / width : 5;
  const ticks = ticksOf({ from, to }, Math.max(1, width / TICK_PX));
  const times = ticks.filter(({ at }) => left(at) > room && left(at) < 100 - 2.6 * room);
  const today = dayStart(from) === dayStart(now());
  // Times alone do not say the day.
  const day = !today && to - from < 86_400_000 && !times.some(({ kind }) => kind === "day");
  return (
    <div
      className="sky-timeline__ticks"
      aria-hidden="true"
      data-moves={!zoomed.isWhole}
      onPointerDown={(event) => {
        dragged.current = event.clientX;
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => {
        if (dragged.current === null || width === 0) return;
        zoomed.moveBy(((dragged.current - event.clientX) / width) * (to - from));
        dragged.current = event.clientX;
      }}
      onPointerUp={() => (dragged.current = null)}
      onPointerCancel={() => (dragged.current = null)}
    >
      {day ? <span className="sky-timeline__day">{format.day(from)}</span> : null}
      {times
        .filter(({ at }) => !day || left(at) > 3 * room)
        .map(({ at, kind }) => (
          <span key={at} data-kind={kind} style={{ left: `${left(at).toFixed(3)}%` }}>
            {textOf(format, at, kind)}
          </span>
        ))}
      <span className="sky-timeline__now">
        {atNow ? words.playback.now : to - from > 20 * MINUTE ? format.minute(to) : format.clock(to)}
      </span>
    </div>
  );
}

function textOf(format: Format, at: number, kind: TickKind): string {
  switch (kind) {
    case "second":
      return format.clock(at);
    case "minute":
      return format.minute(at);
    case "day":
      return format.day(at);
    case "month":
      return format.shortMonth(at);
    case "year":
      return format.year(at);
  }
}
