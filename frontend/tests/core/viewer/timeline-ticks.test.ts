import { beforeAll, describe, expect, it } from "vitest";
import { dayAfter, dayStart, ticksOf } from "../../../src/core/viewer/timeline-ticks.js";

// A zone in which days of 23 and 25 hours exist.
const zone = process.env.TZ;
beforeAll(() => {
  process.env.TZ = "Europe/Berlin";
  return () => {
    process.env.TZ = zone;
  };
});

const at = (text: string) => new Date(text).getTime();
const shown = (from: string, to: string, most: number) =>
  ticksOf({ from: at(from), to: at(to) }, most).map(({ at: moment, kind }) => [
    new Date(moment).toLocaleString("sv"),
    kind,
  ]);

describe("the ticks of a timeline", () => {
  it("are seconds and minutes of the viewer's clock", () => {
    expect(shown("2026-11-29T14:03:21.3", "2026-11-29T14:03:31", 6)).toEqual([
      ["2026-11-29 14:03:22", "second"],
      ["2026-11-29 14:03:24", "second"],
      ["2026-11-29 14:03:26", "second"],
      ["2026-11-29 14:03:28", "second"],
      ["2026-11-29 14:03:30", "second"],
    ]);
    expect(shown("2026-11-29T13:50:00", "2026-11-29T15:10:00", 4).map(([text]) => text)).toEqual([
      "2026-11-29 14:00:00",
      "2026-11-29 14:30:00",
      "2026-11-29 15:00:00",
    ]);
  });

  it("say the day at midnight, also on days of 23 and 25 hours", () => {
    const spring = shown("2026-03-28T18:00:00", "2026-03-30T06:00:00", 8);
    expect(spring.filter(([, kind]) => kind === "day").map(([text]) => text)).toEqual([
      "2026-03-29 00:00:00",
      "2026-03-30 00:00:00",
    ]);
    expect(spring.map(([text]) => text?.slice(11, 13))).toEqual(["18", "00", "06", "12", "18", "00", "06"]);
    const autumn = shown("2026-10-24T18:00:00", "2026-10-26T06:00:00", 8);
    expect(autumn.map(([text]) => text?.slice(11, 13))).toEqual(["18", "00", "06", "12", "18", "00", "06"]);
  });

  it("show an hour that comes twice twice, and leave out one that does not exist", () => {
    const autumn = shown("2026-10-25T00:30:00+02:00", "2026-10-25T04:30:00+01:00", 6);
    expect(autumn.map(([text]) => text?.slice(11, 16))).toEqual([
      "01:00",
      "02:00",
      "02:00",
      "03:00",
      "04:00",
    ]);
    const spring = shown("2026-03-29T00:30:00", "2026-03-29T04:30:00", 4);
    expect(spring.map(([text]) => text?.slice(11, 16))).toEqual(["01:00", "03:00", "04:00"]);
  });

  it("are days, months and years of a long past", () => {
    expect(
      shown("2026-11-22T12:00:00", "2026-11-27T12:00:00", 5).map(([text]) => text?.slice(0, 10)),
    ).toEqual(["2026-11-23", "2026-11-24", "2026-11-25", "2026-11-26", "2026-11-27"]);
    expect(shown("2025-10-20T00:00:00", "2026-03-10T00:00:00", 6)).toEqual([
      ["2025-11-01 00:00:00", "month"],
      ["2025-12-01 00:00:00", "month"],
      ["2026-01-01 00:00:00", "year"],
      ["2026-02-01 00:00:00", "month"],
      ["2026-03-01 00:00:00", "month"],
    ]);
    expect(shown("2020-06-01T00:00:00", "2026-06-01T00:00:00", 6).map(([, kind]) => kind)).toEqual(
      Array(6).fill("year"),
    );
  });

  it("are never more than fit, however long the past is", () => {
    for (let length = 2000; length < 1e13; length *= 1.7)
      for (const most of [1, 3, 13]) {
        const ticks = ticksOf({ from: 1.7e12, to: 1.7e12 + length }, most);
        expect(ticks.length).toBeLessThanOrEqual(most + 1);
        expect(ticks.every((tick, index) => index === 0 || tick.at > (ticks[index - 1]?.at ?? 0))).toBe(true);
      }
  });
});

describe("a day", () => {
  it("has 23, 24 or 25 hours", () => {
    const hours = (text: string) => (dayAfter(at(text)) - dayStart(at(text))) / 3_600_000;
    expect(["2026-03-29T15:00:00", "2026-11-29T00:00:00", "2026-10-25T02:30:00"].map(hours)).toEqual([
      23, 24, 25,
    ]);
  });
});
