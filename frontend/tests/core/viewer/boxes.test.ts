import { describe, expect, it } from "vitest";
import { describeBox, drawBoxes, type BoxContext } from "../../../src/core/viewer/boxes.js";
import type { Box } from "../../../src/core/viewer/messages.js";

const BOX: Box = { x: 100, y: 200, width: 50, height: 60 };

/** Returns what is drawn on the canvas. */
function draw(boxes: Box[], width = 640, height = 480, scale = 1, unit = 4 / 3) {
  const drawn: { what: string; at: number[]; style: unknown; text?: string }[] = [];
  const context = {
    strokeStyle: "",
    fillStyle: "",
    strokeRect: (...at: number[]) => drawn.push({ what: "frame", at, style: context.strokeStyle }),
    fillRect: (...at: number[]) => drawn.push({ what: "plate", at, style: context.fillStyle }),
    fillText: (text: string, ...at: number[]) =>
      drawn.push({ what: "text", at, style: context.fillStyle, text }),
    measureText: (text: string) => ({ width: 8 * text.length }),
  };
  drawBoxes(context as unknown as BoxContext, boxes, { width, height, scale, unit, opacity: 0.5 });
  expect(context).toMatchObject({ globalAlpha: 0.5, font: `600 ${12 * unit}px system-ui, sans-serif` });
  return drawn;
}

describe("boxes", () => {
  it("are drawn in their colour, or in the default colour", () => {
    const drawn = draw([BOX, { ...BOX, color: "#f00" }]);
    expect(drawn).toEqual([
      { what: "frame", at: [100, 200, 50, 60], style: "#ffd60a" },
      { what: "frame", at: [100, 200, 50, 60], style: "#f00" },
    ]);
  });

  it.each([
    ["above the box", { ...BOX }, 176],
    ["inside it at the upper edge", { ...BOX, y: 4 }, 4],
    ["within the frame, wherever the box is", { ...BOX, x: 5000, y: 5000 }, 456],
    ["within the frame, on the other side", { ...BOX, x: -5000, y: -50 }, 0],
  ])("have their label %s", (_, box, y) => {
    const [, plate, text] = draw([{ ...box, label: "cat", score: 0.876 }]);
    expect(text?.text).toBe("cat 88 %");
    const [left = -1, top, plateWidth = 0, plateHeight = 0] = plate?.at ?? [];
    expect(top).toBe(y);
    expect(left).toBeGreaterThanOrEqual(0);
    expect(left + plateWidth).toBeLessThanOrEqual(640);
    expect((top ?? 0) + plateHeight).toBeLessThanOrEqual(480);
  });

  it("have lines and letters of the same size on the screen, however large the frame is", () => {
    const [, plate] = draw([{ ...BOX, label: "cat" }], 1280, 960, 2, 1);
    expect(plate?.at).toEqual([199, 382, 36, 18]);
    expect(draw([BOX], 1280, 960, 2, 1)[0]?.at).toEqual([200, 400, 100, 120]);
  });

  it("have a label of limited length, cut between characters", () => {
    expect(describeBox({ ...BOX, label: "🐈".repeat(80) })).toBe(`${"🐈".repeat(40)}…`);
    expect(describeBox({ ...BOX, score: 7 })).toBe("100 %");
    expect(describeBox(BOX)).toBe("");
    const [, plate] = draw([{ ...BOX, label: "x".repeat(80) }], 64, 48);
    expect(plate?.at[2]).toBe(64);
  });
});
