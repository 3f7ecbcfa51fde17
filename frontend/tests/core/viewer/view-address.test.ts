import { describe, expect, it } from "vitest";
import {
  readViewAddress,
  writeViewAddress,
  type ViewAddress,
} from "../../../src/core/viewer/view-address.js";

describe("the address of the viewer page", () => {
  it("says everything that is shown", () => {
    expect(readViewAddress("")).toEqual({
      view: null,
      at: null,
      cameras: [],
      group: null,
      layout: null,
      panel: null,
      kiosk: false,
      maxFps: undefined,
    });
    const query =
      "?view=front&at=2026-05-01T12:00:00.500Z&cams=a,b&client=c&group=Outside&layout=1%2B5&panel=figures&ui=none";
    expect(readViewAddress(`${query}&maxFps=5`)).toEqual({
      view: "front",
      at: Date.UTC(2026, 4, 1, 12, 0, 0, 500),
      cameras: ["c", "a", "b"],
      group: "Outside",
      layout: "1+5",
      panel: "figures",
      kiosk: true,
      maxFps: 5,
    });
  });

  it("opens the only camera that it names, until that camera is closed", () => {
    expect(readViewAddress("?client=front").view).toBe("front");
    expect(readViewAddress("?cams=front").view).toBe("front");
    expect(readViewAddress("?client=a&client=b").view).toBeNull();
    const closed = writeViewAddress("?client=front", { view: null });
    expect(readViewAddress(closed)).toMatchObject({ view: null, cameras: ["front"] });
  });

  it.each<[string, Partial<ViewAddress>, string]>([
    ["", { view: "front" }, "?view=front"],
    ["?x=1", { view: "a", at: 0 }, "?x=1&view=a&at=1970-01-01T00%3A00%3A00.000Z"],
    ["?view=a&at=1970-01-01T00%3A00%3A00.000Z", { view: "b" }, "?view=b"],
    ["?view=a", { view: null }, ""],
    ["?client=a&client=b", { cameras: ["b", "a"], layout: "1+5" }, "?cams=b,a&layout=1%2B5"],
    ["?cams=a,b", { cameras: [] }, ""],
    ["?panel=keys&group=x", { panel: null, group: null, kiosk: true }, "?ui=none"],
  ])("%s with %j is %s", (before, change, after) => {
    expect(writeViewAddress(before, change)).toBe(after);
  });

  it("ignores what is invalid", () => {
    const query = "?view=../x&cams=<img>,a b&at=never&layout=9x9&panel=x&ui=all&maxFps=0";
    expect(readViewAddress(query)).toEqual({ ...readViewAddress(""), view: null });
    expect(readViewAddress("?layout=1+5").layout).toBe("1+5");
  });
});
