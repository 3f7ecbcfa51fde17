/** Chooses a day of the recordings from a calendar, in the viewer's time zone. */

import { useEffect, useId, useMemo, useRef, useState } from "react";
import { now } from "../core/clock.js";
import { calendarOf, monthOf, recordedOn, sameTimeOn, type Month } from "../core/viewer/calendar.js";
import type { History } from "../core/viewer/history.js";
import { mergePasts, nearestCovered, type Past } from "../core/viewer/past.js";
import { dayAfter, dayStart } from "../core/viewer/timeline-ticks.js";
import type { Span } from "../core/viewer/timeline-window.js";
import { Icon, ICONS } from "./icons.js";
import { IconButton } from "./icon-button.js";
import { useWords } from "./words.js";

export interface DayPickerProps {
  readonly history: History;
  readonly cameraIds: readonly string[];
  /** What can be played. */
  readonly whole: Span;
  /** The moment that is shown. */
  readonly at: number;
  /** A day was chosen: its span, and the moment to show. */
  readonly onDay: (day: Span, at: number) => void;
}

export function DayPicker(props: DayPickerProps) {
  const { at } = props;
  const words = useWords();
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLSpanElement>(null);
  const id = useId();
  useEffect(() => {
    if (!open) return;
    const close = (event: Event): void => {
      if (!(event.target instanceof Node) || !box.current?.contains(event.target)) setOpen(false);
    };
    window.addEventListener("pointerdown", close);
    return () => window.removeEventListener("pointerdown", close);
  }, [open]);
  const today = dayStart(at) === dayStart(now());
  const close = (): void => {
    setOpen(false);
    box.current?.querySelector<HTMLElement>("[aria-expanded]")?.focus();
  };
  return (
    // Escape closes the calendar and not the camera view.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <span
      ref={box}
      className="sky-days"
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        event.preventDefault();
        close();
      }}
    >
      <button
        type="button"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        title={words.history.chooseDay}
        onClick={() => setOpen(!open)}
      >
        <Icon path={ICONS.calendar} />
        <span className="sky-visually-hidden">{words.history.chooseDay}: </span>
        {today ? words.history.today : words.format.day(at)}
      </button>
      {open ? (
        <Calendar
          {...props}
          id={id}
          onDay={(day, moment) => {
            close();
            props.onDay(day, moment);
          }}
        />
      ) : null}
    </span>
  );
}

function Calendar({ id, history, cameraIds, whole, at, onDay }: DayPickerProps & { readonly id: string }) {
  const words = useWords();
  const { format } = words;
  const [month, setMonth] = useState<Month>(() => monthOf(at));
  const { span, weeks } = useMemo(() => calendarOf(month, words.language), [month, words.language]);
  const past = useMonth(history, cameraIds, span);
  const other = (by: number): Month => monthOf(new Date(month.year, month.month + by).getTime());
  return (
    <div id={id} className="sky-calendar" role="dialog" aria-label={words.history.chooseDay}>
      <header>
        <IconButton
          icon="previous"
          label={words.history.previousMonth}
          disabled={span.from <= whole.from}
          onClick={() => setMonth(other(-1))}
        />
        <strong aria-live="polite">{format.month(span.from)}</strong>
        <IconButton
          icon="next"
          label={words.history.nextMonth}
          disabled={span.to > whole.to}
          onClick={() => setMonth(other(1))}
        />
      </header>
      <table>
        <thead>
          <tr>
            {weeks[1]?.map((day) => (
              <th key={day} scope="col">
                {format.weekday(day)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {weeks.map((week) => (
            <tr key={week[0]}>
              {week.map((day) => (
                <td key={day}>
                  {day < span.from || day >= span.to ? null : (
                    <Day day={day} past={past} whole={whole} at={at} onDay={onDay} />
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface DayProps extends Pick<DayPickerProps, "at" | "whole" | "onDay"> {
  readonly day: number;
  readonly past: Past | null;
}

function Day({ day, past, whole, at, onDay }: DayProps) {
  const words = useWords();
  const { format } = words;
  const span = { from: day, to: dayAfter(day) };
  const recorded = past ? recordedOn(past.covered, span) : 0;
  const share = recorded / (span.to - span.from);
  const length =
    recorded > 0 ? words.history.recorded(format.duration(recorded / 1000)) : words.history.nothing;
  const choose = (): void => {
    const inside = (past?.covered ?? []).filter(({ from, to }) => to > span.from && from < span.to);
    const same = sameTimeOn(at, day);
    onDay(span, Math.min(Math.max(nearestCovered(inside, span, same), span.from, whole.from), whole.to));
  };
  return (
    <button
      type="button"
      aria-label={`${format.day(day)}, ${length}`}
      aria-current={dayStart(at) === day ? "date" : undefined}
      disabled={recorded === 0 && dayStart(whole.to) !== day}
      title={length}
      onClick={choose}
    >
      {new Date(day).getDate()}
      <span style={{ width: `${Math.round(100 * share)}%` }} />
    </button>
  );
}

/** Returns what is recorded in a month; null until that is known. */
function useMonth(history: History, cameraIds: readonly string[], span: Span): Past | null {
  const [found, setFound] = useState<{ readonly span: Span; readonly past: Past | null } | null>(null);
  useEffect(() => {
    let current = true;
    Promise.all(cameraIds.map((cameraId) => history.recordings.readHours(cameraId, span))).then(
      (pasts) => {
        if (current) setFound({ span, past: mergePasts(pasts) });
      },
      // The month can be looked at again.
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, [history, cameraIds, span]);
  return found?.span === span ? found.past : null;
}
