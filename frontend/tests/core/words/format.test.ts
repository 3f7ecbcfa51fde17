import { describe, expect, it } from "vitest";
import { createFormat } from "../../../src/core/words/format.js";

const en = createFormat("en");
const de = createFormat("de");

describe("figures", () => {
  it("read well at every size", () => {
    expect([0, 9.94, 14.96].map(en.fps)).toEqual(["0.0 fps", "9.9 fps", "15 fps"]);
    expect([500, 182_000, 2_800_000].map(en.rate)).toEqual(["1 kB/s", "182 kB/s", "2.8 MB/s"]);
    expect([null, 45.4, 1500, 45_000, 90_000, 7_200_000, 180_000_000].map(en.age)).toEqual([
      "–",
      "45 ms",
      "1.5 s",
      "45 s",
      "1 min",
      "2 h",
      "2 days",
    ]);
    expect([null, 1.26, 45].map(en.trip)).toEqual(["–", "1.3 ms", "45 ms"]);
    expect(en.count(1_234_567)).toBe("1,234,567");
    expect([7.5, 9.96, 15].map(en.short)).toEqual(["7.5", "10", "15"]);
    expect([500, 8900, 61_000, -5].map(en.whole)).toEqual(["0 s", "8 s", "1 min", "0 s"]);
    expect([45, 725, 7500].map(en.duration)).toEqual(["45 s", "12 min", "2 h 5 min"]);
    expect([0.25, 1.5, -2].map(en.speed)).toEqual(["¼×", "1.5×", "−2×"]);
    expect([4200, 65_000, 7_300_000].map(en.back)).toEqual(["−4.2 s", "−1:05", "−2 h"]);
    expect([4e5, 4.5e8, 2e9].map(en.bytes)).toEqual(["400 kB", "450.0 MB", "2.0 GB"]);
  });

  it("are written as in German", () => {
    expect([de.fps(9.94), de.rate(2_800_000), de.count(1_234_567)]).toEqual([
      "9,9 fps",
      "2,8 MB/s",
      "1.234.567",
    ]);
    expect([de.back(4200), de.percent(0.45), de.age(90_000_000)]).toEqual(["−4,2 s", "45\u00a0%", "1 Tag"]);
  });
});

describe("times", () => {
  const at = new Date(2026, 10, 29, 4, 3, 2, 450).getTime();

  it("are the time of day with 24 hours", () => {
    expect(en.clock(at)).toBe("04:03:02");
    expect(createFormat("en-US").clock(at + 10 * 3_600_000)).toBe("14:03:02");
    expect([en.clockTenths(at), de.clockTenths(at)]).toEqual(["04:03:02.4", "04:03:02,4"]);
  });

  it("have the day if it is not today", () => {
    const midnight = new Date(2026, 10, 29).getTime();
    expect(en.clockOf(at, midnight)).toBe("04:03:02");
    expect(en.clockOf(at, midnight - 1)).toBe("Sun, Nov 29, 04:03:02");
    expect(de.tenthsOf(at, midnight - 1)).toBe("So., 29. Nov., 04:03:02,4");
    expect([en.minute(at), en.day(at), en.month(at)]).toEqual(["04:03", "Sun, Nov 29", "November 2026"]);
  });

  it("have a date if they are of another day", () => {
    expect(en.moment(at, at + 3_600_000)).toBe("04:03:02");
    expect(en.moment(at, at + 90_000_000)).toBe("Nov 29, 2026, 04:03:02");
    expect(de.dateTime(at)).toBe("29.11.2026, 04:03:02");
  });
});
