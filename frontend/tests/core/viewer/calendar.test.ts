import { beforeAll, describe, expect, it } from "vitest";
import { calendarOf, monthOf, recordedOn, sameTimeOn } from "../../../src/core/viewer/calendar.js";

const zone = process.env.TZ;
beforeAll(() => {
  process.env.TZ = "Europe/Berlin";
  return () => {
    process.env.TZ = zone;
  };
});

describe("a month of a calendar", () => {
  it("has whole weeks, and as many hours as its days have", () => {
    const { span, weeks } = calendarOf(monthOf(new Date("2026-10-15T12:00:00").getTime()), "de");
    // One day of October has 25 hours.
    expect((span.to - span.from) / 3_600_000).toBe(31 * 24 + 1);
    expect(weeks.every((week) => week.length === 7)).toBe(true);
    expect(weeks.map(([monday]) => new Date(monday ?? 0).toLocaleDateString("sv"))).toEqual([
      "2026-09-28",
      "2026-10-05",
      "2026-10-12",
      "2026-10-19",
      "2026-10-26",
    ]);
  });

  it("says how much of a day was recorded", () => {
    const spans = [
      { from: 0, to: 10 },
      { from: 15, to: 30 },
    ];
    expect(recordedOn(spans, { from: 5, to: 20 })).toBe(10);
    expect(recordedOn([], { from: 5, to: 20 })).toBe(0);
  });

  it("finds the same time on another day, whatever the clocks do in between", () => {
    const day = new Date("2026-10-24T00:00:00").getTime();
    expect(sameTimeOn(new Date("2026-10-26T14:03:22").getTime(), day)).toBe(
      new Date("2026-10-24T14:03:22").getTime(),
    );
  });
});
