/** Draws the boxes of a detection result. */

import type { Box } from "./messages.js";

/** The part of a canvas's 2D context that is used here. */
export type BoxContext = Pick<
  CanvasRenderingContext2D,
  | "globalAlpha"
  | "fillStyle"
  | "strokeStyle"
  | "lineWidth"
  | "font"
  | "textBaseline"
  | "strokeRect"
  | "fillRect"
  | "fillText"
  | "measureText"
>;

const COLOR = "#ffd60a";
const PLATE = "#14181e";
const TEXT = "#ffffff";
const MAX_LABEL_LENGTH = 40;

const LINE = 2;
const LETTERS = 12;

/** The canvas on which boxes are drawn. */
export interface BoxCanvas {
  /** Pixels of the canvas. */
  readonly width: number;
  readonly height: number;
  /** Pixels of the canvas for one pixel of the frame. */
  readonly scale: number;
  /** Pixels of the canvas for one pixel of the page. Lines and letters have the same size on every screen. */
  readonly unit: number;
  /** 0 to 1. */
  readonly opacity: number;
}

export function drawBoxes(context: BoxContext, boxes: readonly Box[], canvas: BoxCanvas): void {
  const { width, height, scale, unit } = canvas;
  const line = LINE * unit;
  const size = LETTERS * unit;
  context.globalAlpha = canvas.opacity;
  context.font = `600 ${size}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  context.lineWidth = line;
  for (const box of boxes) {
    // A canvas ignores an invalid colour, so the default is set first.
    context.strokeStyle = COLOR;
    context.strokeStyle = box.color ?? COLOR;
    context.strokeRect(box.x * scale, box.y * scale, box.width * scale, box.height * scale);
    const words = describeBox(box);
    if (words === "") continue;
    const plateHeight = size * 1.5;
    const plateWidth = Math.min(width, context.measureText(words).width + size);
    // The label is above the box, or below the box's upper edge if there is no room above. It is always within the
    // frame.
    const x = clamp(box.x * scale - line / 2, 0, width - plateWidth);
    const above = box.y * scale - plateHeight;
    const y = clamp(above < 0 ? box.y * scale : above, 0, height - plateHeight);
    context.fillStyle = PLATE;
    context.fillRect(x, y, plateWidth, plateHeight);
    context.fillStyle = TEXT;
    context.fillText(words, x + size / 2, y + plateHeight / 2, plateWidth - size);
  }
}

export function describeBox({ label, score }: Box): string {
  const letters = Array.from(label ?? "");
  const name =
    letters.length > MAX_LABEL_LENGTH ? `${letters.slice(0, MAX_LABEL_LENGTH).join("")}…` : letters.join("");
  const percent = score === undefined ? "" : `${Math.round(clamp(score, 0, 1) * 100)} %`;
  return [name, percent].filter((part) => part !== "").join(" ");
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(value, most));
}
