/** Formats numbers, times and amounts for people, as it is usual in one language. */

export type Format = ReturnType<typeof createFormat>;

/** What is shown for a number that is not known. */
const NONE = "–";
const DAY_MS = 86_400_000;

/** `locale` is a language, with or without a country: "de", "de-CH". */
export function createFormat(locale: string) {
  const decimals = [0, 1, 2].map(
    (digits) =>
      new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }),
  );
  const shortest = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const inPercent = new Intl.NumberFormat(locale, { style: "percent" });
  const inDays = new Intl.NumberFormat(locale, { style: "unit", unit: "day", unitDisplay: "long" });
  // 24 hours in every language, as the clocks that cameras burn into their pictures.
  const time = {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  } as const;
  const seconds = new Intl.DateTimeFormat(locale, time);
  const tenths = new Intl.DateTimeFormat(locale, { ...time, fractionalSecondDigits: 1 });
  const minutes = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const day = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
  const shortDay = new Intl.DateTimeFormat(locale, { weekday: "short", month: "short", day: "numeric" });
  const month = new Intl.DateTimeFormat(locale, { month: "long", year: "numeric" });
  const shortMonth = new Intl.DateTimeFormat(locale, { month: "short" });
  const year = new Intl.DateTimeFormat(locale, { year: "numeric" });
  const weekday = new Intl.DateTimeFormat(locale, { weekday: "short" });

  const decimal = (value: number, digits: 0 | 1 | 2): string => decimals[digits]?.format(value) ?? "";
  const clock = (at: number): string => seconds.format(at);
  /** Puts the day before a time, unless it is that of `now`. */
  const withDay = (text: string, at: number, now: number): string =>
    day.format(at) === day.format(now) ? text : `${shortDay.format(at)}, ${text}`;

  const age = (milliseconds: number | null): string => {
    if (milliseconds === null) return NONE;
    if (milliseconds < 1000) return `${decimal(milliseconds, 0)} ms`;
    const passed = milliseconds / 1000;
    if (passed < 60) return `${decimal(passed, passed < 10 ? 1 : 0)} s`;
    if (passed < 3600) return `${Math.floor(passed / 60)} min`;
    return passed < 86_400 ? `${Math.floor(passed / 3600)} h` : inDays.format(Math.floor(passed / 86_400));
  };

  const duration = (passed: number): string => {
    if (passed < 59.5) return `${Math.round(passed)} s`;
    const minutes = Math.round(passed / 60);
    return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  };

  return {
    /** A number with this many decimal places. */
    decimal,
    /** A number with at most one decimal place: 7.5, 15. */
    short: (value: number): string => shortest.format(value < 9.95 ? value : Math.round(value)),
    count: (value: number): string => decimal(value, 0),
    /** A share between 0 and 1. */
    percent: (share: number): string => inPercent.format(share),
    fps: (fps: number): string => `${decimal(fps, fps < 9.95 ? 1 : 0)} fps`,
    rate: (bytesPerSecond: number): string => {
      const kilobytes = bytesPerSecond / 1000;
      return kilobytes < 1000 ? `${decimal(kilobytes, 0)} kB/s` : `${decimal(kilobytes / 1000, 1)} MB/s`;
    },
    bytes: (bytes: number): string => {
      if (bytes < 1e6) return `${decimal(bytes / 1000, 0)} kB`;
      return bytes < 1e9 ? `${decimal(bytes / 1e6, 1)} MB` : `${decimal(bytes / 1e9, 1)} GB`;
    },
    /** A number of seconds with one decimal place: 4.2 s. */
    seconds: (milliseconds: number): string => `${decimal(milliseconds / 1000, 1)} s`,
    age,
    /** A length of time in whole units: 8 s, 2 min, 3 h. */
    whole: (milliseconds: number): string => {
      const passed = Math.max(0, Math.floor(milliseconds / 1000));
      return passed < 60 ? `${passed} s` : age(passed * 1000);
    },
    /** The length of a clip: 4.2 s, 12 min, 2 h 5 min. */
    clipLength: (milliseconds: number): string =>
      milliseconds < 600_000 ? `${decimal(milliseconds / 1000, 1)} s` : duration(milliseconds / 1000),
    /** How long something took: 45 s, 12 min, 2 h 5 min. */
    duration,
    /** Milliseconds, with a decimal place if there are few. */
    trip: (milliseconds: number | null): string =>
      milliseconds === null ? NONE : `${decimal(milliseconds, milliseconds < 10 ? 1 : 0)} ms`,
    /** A time before now, with a minus sign: −4.2 s, −1:05. */
    back: (milliseconds: number): string => {
      const passed = Math.max(0, milliseconds) / 1000;
      // 59.95 s would be rounded to 60.0 s.
      if (passed < 59.95) return `−${decimal(passed, 1)} s`;
      if (passed >= 3600) return `−${age(milliseconds)}`;
      const whole = Math.max(60, Math.floor(passed));
      return `−${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
    },
    /** 0.5 as ½× and -1 as −1×. */
    speed: (speed: number): string => {
      const fraction = { 0.25: "¼", 0.5: "½" }[Math.abs(speed)] ?? shortest.format(Math.abs(speed));
      return `${speed < 0 ? "−" : ""}${fraction}×`;
    },
    /** The time of day, in this computer's time zone: 14:03:22. */
    clock,
    /** The time of day with tenths of a second: 14:03:22.4. */
    clockTenths: (at: number): string => tenths.format(at),
    /** A date with the time of day: Nov 29, 2026, 14:03:22. */
    dateTime: (at: number): string => `${day.format(at)}, ${clock(at)}`,
    /** The time of day without seconds: 14:03. */
    minute: (at: number): string => minutes.format(at),
    /** The time of day, with the day if it is not that of `now`: Fri, Nov 27, 14:03:22. */
    clockOf: (at: number, now: number): string => withDay(clock(at), at, now),
    /** The same with tenths of a second. */
    tenthsOf: (at: number, now: number): string => withDay(tenths.format(at), at, now),
    /** A day: Fri, Nov 27. */
    day: (at: number): string => shortDay.format(at),
    /** A day with its year: Nov 27, 2026. */
    date: (at: number): string => day.format(at),
    /** The days from one moment to another: Nov 3 – 27, 2026. */
    dates: (from: number, to: number): string => day.formatRange(from, to),
    /** A month with its year: November 2026. */
    month: (at: number): string => month.format(at),
    shortMonth: (at: number): string => shortMonth.format(at),
    year: (at: number): string => year.format(at),
    weekday: (at: number): string => weekday.format(at),
    /** The time of day, with the date if the moment is not of the last 24 hours before `now`. */
    moment: (at: number, now: number): string =>
      Math.abs(now - at) < DAY_MS ? clock(at) : `${day.format(at)}, ${clock(at)}`,
  };
}
