import { describe, expect, it } from "vitest";
import { ShownWidths } from "../../../src/core/viewer/shown-widths.js";

describe("the places that show a camera", () => {
  it("need it as wide as the widest of them, in whichever order they come and go", () => {
    const reported: [string, number | null][] = [];
    const widths = new ShownWidths((cameraId, pixels) => reported.push([cameraId, pixels]));
    const [tile, view] = [{}, {}];
    widths.set("a", view, 1440);
    widths.set("a", tile, null);
    widths.set("a", tile, 300);
    widths.set("b", tile, 200);
    widths.set("a", view, null);
    widths.set("a", tile, null);
    expect(reported).toEqual([
      ["a", 1440],
      ["a", 1440],
      ["a", 1440],
      ["b", 200],
      ["a", 300],
      ["a", null],
    ]);
  });
});
