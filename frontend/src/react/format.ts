/** Formats numbers for people. */

export function formatRate(bytesPerSecond: number): string {
  const kilobytes = bytesPerSecond / 1000;
  return kilobytes < 1000 ? `${kilobytes.toFixed(0)} kB/s` : `${(kilobytes / 1000).toFixed(1)} MB/s`;
}

export function formatFps(fps: number): string {
  return `${fps.toFixed(fps < 9.95 ? 1 : 0)} fps`;
}

export function formatAge(milliseconds: number | null): string {
  if (milliseconds === null) return "–";
  if (milliseconds < 1000) return `${milliseconds.toFixed(0)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

export function formatCount(count: number): string {
  return count.toLocaleString("en").replaceAll(",", "\u2009");
}

export function formatTrip(milliseconds: number | null): string {
  if (milliseconds === null) return "–";
  return `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
}

/** Formats a time before now, with a minus sign: −4.2 s, −1:05. */
export function formatBack(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / 1000;
  // 59.95 s would be rounded to 60.0 s.
  if (seconds < 59.95) return `−${seconds.toFixed(1)} s`;
  const whole = Math.max(60, Math.floor(seconds));
  const rest = whole % 60;
  return `−${Math.floor(whole / 60)}:${String(rest).padStart(2, "0")}`;
}

/** Formats 0.5 as ½× and -1 as −1×. */
export function formatSpeed(speed: number): string {
  const fraction = { 0.25: "¼", 0.5: "½" }[Math.abs(speed)] ?? String(Math.abs(speed));
  return `${speed < 0 ? "−" : ""}${fraction}×`;
}

/** Formats a moment as the time of day, in this computer's time zone: 14:03:22, or 14:03:22.4. */
export function formatClock(at: number, tenths = false): string {
  const date = new Date(at);
  const [hours, minutes, seconds] = [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits);
  return `${hours}:${minutes}:${seconds}${tenths ? `.${Math.floor(date.getMilliseconds() / 100)}` : ""}`;
}

/** Formats a moment for the name of a file, with the offset of the time zone: 2026-11-29_14-03-22.4+01. */
export function formatStamp(at: number): string {
  const date = new Date(at);
  const day = [date.getFullYear(), twoDigits(date.getMonth() + 1), twoDigits(date.getDate())].join("-");
  const offset = -date.getTimezoneOffset();
  const hours = Math.floor(Math.abs(offset) / 60);
  const minutes = Math.abs(offset) % 60;
  const zone = `${offset < 0 ? "-" : "+"}${twoDigits(hours)}${minutes === 0 ? "" : twoDigits(minutes)}`;
  return `${day}_${formatClock(at, true).replaceAll(":", "-")}${zone}`;
}

/** Formats a length of time in whole units: 8 s, 2 min, 3 h. */
export function formatFor(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  return seconds < 60 ? `${seconds} s` : formatAge(seconds * 1000);
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}

export function formatBytes(bytes: number): string {
  if (bytes < 1e6) return `${(bytes / 1000).toFixed(0)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** Formats how long something took: "45 s", "12 min", "2 h 5 min". */
export function formatDuration(seconds: number): string {
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
