/** Months as a calendar shows them, in the viewer's time zone. */

import { localeOf, type Language } from "../words/language.js";
import type { Span } from "./timeline-window.js";

export interface Month {
  readonly year: number;
  /** 0 is January. */
  readonly month: number;
}

export interface CalendarMonth {
  readonly span: Span;
  /** Whole weeks; each day by its begin, also those of the months before and after. */
  readonly weeks: readonly (readonly number[])[];
}

export function monthOf(at: number): Month {
  const date = new Date(at);
  return { year: date.getFullYear(), month: date.getMonth() };
}

export function calendarOf({ year, month }: Month, language: Language): CalendarMonth {
  const first = new Date(year, month);
  const span = { from: first.getTime(), to: new Date(year, month + 1).getTime() };
  const before = (first.getDay() - firstDayOfWeek(localeOf(language)) + 7) % 7;
  const weeks: number[][] = [];
  for (let day = 1 - before; new Date(year, month, day).getTime() < span.to; day += 7)
    weeks.push(Array.from({ length: 7 }, (_, index) => new Date(year, month, day + index).getTime()));
  return { span, weeks };
}

/** Returns for how many milliseconds of a span there are frames. */
export function recordedOn(covered: readonly Span[], { from, to }: Span): number {
  return covered.reduce((sum, one) => sum + Math.max(0, Math.min(one.to, to) - Math.max(one.from, from)), 0);
}

/** Returns the moment of another day at which clocks show the same time. */
export function sameTimeOn(at: number, day: number): number {
  const [time, date] = [new Date(at), new Date(day)];
  return new Date(
    date.getFullYear(),
    date.getMonth(),
    date.getDate(),
    time.getHours(),
    time.getMinutes(),
    time.getSeconds(),
    time.getMilliseconds(),
  ).getTime();
}

/** 0 is Sunday, as for Date. */
function firstDayOfWeek(locale: string): number {
  const info = new Intl.Locale(locale) as Intl.Locale & {
    getWeekInfo?: () => { firstDay: number };
    weekInfo?: { firstDay: number };
  };
  return (info.getWeekInfo?.() ?? info.weekInfo ?? { firstDay: 1 }).firstDay % 7;
}
