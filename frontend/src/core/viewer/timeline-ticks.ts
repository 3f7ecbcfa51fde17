/** Where a timeline has ticks: round times of the viewer's own time zone, whose days may have 23 or 25 hours. */

import type { Span } from "./timeline-window.js";

/** What a tick says: a time of day with or without seconds, or the begin of a day, month or year. */
export type TickKind = "second" | "minute" | "day" | "month" | "year";

export interface Tick {
  readonly at: number;
  readonly kind: TickKind;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Steps that divide an hour. */
const SHORT = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600].map((seconds) => seconds * SECOND);
const HOURS = [2, 3, 6, 12];
const DAYS = [1, 2, 7, 14];
const MONTHS = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200];
const MONTH = 30.5 * DAY;
/** More than this many ticks can never be told apart. */
const MOST = 100;

/** Returns the begin of the day in which a moment lies. */
export function dayStart(at: number): number {
  const date = new Date(at);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/** Returns the begin of a day that is `days` after the day of a moment. */
export function dayAfter(at: number, days = 1): number {
  const date = new Date(at);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime();
}

/** Returns at most `most` ticks of a part of a timeline, in the order of time. */
export function ticksOf({ from, to }: Span, most: number): readonly Tick[] {
  const fits = (step: number): boolean => (to - from) / step <= Math.min(most, MOST);
  const short = SHORT.find(fits);
  if (short !== undefined) return shortTicks(from, to, short);
  const hours = HOURS.find((count) => fits(count * HOUR));
  if (hours !== undefined) return hourTicks(from, to, hours);
  const days = DAYS.find((count) => fits(count * DAY));
  if (days !== undefined) return dayTicks(from, to, days);
  return monthTicks(from, to, MONTHS.find((count) => fits(count * MONTH)) ?? 6000);
}

/** The moment at midnight says the day, the others say the time. */
function timeTick(at: number, kind: TickKind): Tick {
  return { at, kind: at === dayStart(at) ? "day" : kind };
}

function shortTicks(from: number, to: number, step: number): Tick[] {
  const ticks: Tick[] = [];
  const kind = step < MINUTE ? "second" : "minute";
  // Clocks are changed by whole steps, so that round times before a change are round times after it.
  const offset = -new Date(from).getTimezoneOffset() * MINUTE;
  for (let at = Math.ceil((from + offset) / step) * step - offset; at <= to; at += step)
    ticks.push(timeTick(at, kind));
  return ticks;
}

function hourTicks(from: number, to: number, hours: number): Tick[] {
  const ticks: Tick[] = [];
  for (let day = dayStart(from); day <= to; day = dayAfter(day)) {
    const date = new Date(day);
    for (let hour = 0; hour < 24; hour += hours) {
      const at = new Date(date.getFullYear(), date.getMonth(), date.getDate(), hour).getTime();
      // An hour that a day of 23 hours does not have is the next one.
      if (at >= from && at <= to && at > (ticks.at(-1)?.at ?? Number.NEGATIVE_INFINITY))
        ticks.push(timeTick(at, "minute"));
    }
  }
  return ticks;
}

function dayTicks(from: number, to: number, days: number): Tick[] {
  const ticks: Tick[] = [];
  // Counted from a fixed Monday, so that the ticks stay where they are when the timeline moves.
  const fixed = new Date(2024, 0, 1).getTime();
  const number = Math.floor(Math.round((dayStart(from) - fixed) / DAY) / days) * days;
  for (let at = dayAfter(fixed, number); at <= to; at = dayAfter(at, days))
    if (at >= from) ticks.push({ at, kind: "day" });
  return ticks;
}

function monthTicks(from: number, to: number, months: number): Tick[] {
  const ticks: Tick[] = [];
  const date = new Date(from);
  const first = Math.floor((date.getFullYear() * 12 + date.getMonth()) / months) * months;
  for (let month = first; ; month += months) {
    const at = new Date(Math.floor(month / 12), month % 12).getTime();
    if (at > to) return ticks;
    if (at >= from) ticks.push({ at, kind: month % 12 === 0 ? "year" : "month" });
  }
}
