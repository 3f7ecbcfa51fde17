/** What lies on the track of a timeline: when there are frames, what is kept, and what happened. */

import type { Past } from "../core/viewer/past.js";
import type { ResultMark } from "../core/viewer/result-marks.js";
import type { Span } from "../core/viewer/timeline-window.js";

export interface TimelineLayersProps {
  /** The part that is shown. */
  readonly span: Span;
  /** Its width in pixels. */
  readonly width: number;
  readonly past: Past | null;
  /** When there are frames on disk or in memory; null if this is not known. */
  readonly covered: readonly Span[] | null;
  /** When all frames are in memory. */
  readonly ring: Span | null;
  readonly marks: readonly ResultMark[];
  readonly newestAt: number;
}

/** Pixels for the name of an event. */
const LABEL_PX = 72;
/** More events than this cannot be told apart. */
const MOST_EVENTS = 500;

export function TimelineLayers({ span, width, past, covered, ring, marks, newestAt }: TimelineLayersProps) {
  const part = (at: number): number => Math.min(1, Math.max(0, (at - span.from) / (span.to - span.from)));
  const percent = (share: number): string => `${(100 * share).toFixed(3)}%`;
  const shown = <T extends Span>(spans: readonly T[]): T[] =>
    spans.filter(({ from, to }) => to >= span.from && from <= span.to);
  const style = ({ from, to }: Span, least: number) => ({
    left: percent(part(from)),
    width: `max(${least}px, ${percent(part(to) - part(from))})`,
  });
  const events = shown(
    (past?.events ?? []).map((event) => ({ ...event, to: event.to ?? Math.max(newestAt, event.from) })),
  ).slice(-MOST_EVENTS);
  return (
    <>
      {covered &&
        shown(covered).map((one) => (
          <span key={one.from} className="sky-timeline__covered" style={style(one, 1)} />
        ))}
      {ring && shown([ring]).length > 0 ? (
        <span className="sky-timeline__ring" style={style(ring, 1)} />
      ) : null}
      {shown(past?.kept ?? []).map((one) => (
        <span key={one.from} className="sky-timeline__kept" style={style(one, 3)} />
      ))}
      {events.map((event) => (
        <span
          key={event.id}
          className="sky-timeline__mark"
          data-event={event.label}
          style={style(event, 3)}
        />
      ))}
      {shown(marks).map((mark) => (
        <span key={mark.from} className="sky-timeline__mark" style={style(mark, 3)} />
      ))}
      {labelled(events, (at) => part(at) * width).map((event) => (
        <span key={event.id} className="sky-timeline__label" style={{ left: percent(part(event.from)) }}>
          {event.label}
        </span>
      ))}
    </>
  );
}

/** Returns the events for whose names there is room. */
function labelled<T extends Span>(events: readonly T[], pixels: (at: number) => number): T[] {
  const found: T[] = [];
  let end = 0;
  for (const event of events) {
    const left = pixels(event.from);
    if (left < end) continue;
    found.push(event);
    end = left + LABEL_PX;
  }
  return found;
}
