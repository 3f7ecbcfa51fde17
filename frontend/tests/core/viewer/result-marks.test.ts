import { describe, expect, it } from "vitest";
import { ResultMarks } from "../../../src/core/viewer/result-marks.js";

describe("result marks", () => {
  it("join findings that follow each other, at the time of their frames", () => {
    const results = new ResultMarks();
    for (let sequence = 1; sequence <= 100; sequence++) results.frame(sequence, sequence * 100);
    for (const sequence of [5, 10, 11, 12, 60, 61]) results.found(sequence);
    expect(results.marks).toEqual([
      { from: 500, to: 1200 },
      { from: 6000, to: 6100 },
    ]);
    const before = results.marks;
    results.found(61);
    results.found(7);
    results.found(999);
    expect(results.marks).toBe(before);
  });

  it("are bounded", () => {
    const results = new ResultMarks();
    for (let sequence = 1; sequence <= 1000; sequence++) {
      results.frame(sequence, sequence * 10_000);
      results.found(sequence);
    }
    expect(results.marks).toHaveLength(200);
    results.found(1);
    expect(results.marks).toHaveLength(200);
  });

  it("are the server's, and those that this page has seen since then", () => {
    const results = new ResultMarks();
    for (let sequence = 1; sequence <= 300; sequence++) results.frame(sequence, sequence * 100);
    results.found(200);
    results.found(205);
    results.found(280);
    const before = { from: 1000, to: 2000 };
    results.known([before, { from: 19_000, to: 20_100 }]);
    expect(results.marks).toEqual([before, { from: 19_000, to: 20_500 }, { from: 28_000, to: 28_000 }]);
    const { marks } = results;
    results.known([before, { from: 19_000, to: 20_500 }]);
    expect(results.marks).toBe(marks);
    results.known([{ from: 19_000, to: 20_500 }]);
    expect(results.marks).toEqual([
      { from: 19_000, to: 20_500 },
      { from: 28_000, to: 28_000 },
    ]);
  });
});
