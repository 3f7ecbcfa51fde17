/** Names files after moments. */

/** Returns a moment for the name of a file, with the offset of the time zone: 2026-11-29_14-03-22.4+01. */
export function fileStamp(at: number): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join("-");
  const tenths = Math.floor(date.getMilliseconds() / 100);
  const offset = -date.getTimezoneOffset();
  const hours = Math.floor(Math.abs(offset) / 60);
  const minutes = Math.abs(offset) % 60;
  const zone = `${offset < 0 ? "-" : "+"}${two(hours)}${minutes === 0 ? "" : two(minutes)}`;
  return `${day}_${time}.${tenths}${zone}`;
}
