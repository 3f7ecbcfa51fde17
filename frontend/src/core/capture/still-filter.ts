/** Decides what is measured in the pictures of a camera, and which still pictures are left out. */

import { ChangeMeter, looksSame, type PictureMeasure } from "./change-meter.js";
import type { EncoderSettings } from "./encode-loop.js";

/** `same`: only the message that the picture is still the same. */
export type FrameChoice = "whole" | "same" | "nothing";

export interface Looked {
  readonly choice: FrameChoice;
  /** Left out if it is not time for a measurement. */
  readonly measure?: PictureMeasure;
}

/** Milliseconds between two measurements, if the server wants to know the change with each frame. */
const OFTEN_MS = 100;
/** Milliseconds between two measurements otherwise: whether the camera is dark or covered. */
const RARELY_MS = 2000;
/** Milliseconds between two messages that the picture is still the same. */
const SAME_EVERY_MS = 200;
/** Milliseconds after which a frame is sent even if the picture is still the same. */
const WHOLE_EVERY_MS = 10_000;
/** Share of an interval by which frames may come too early. */
const TOLERANCE = 0.5;

export class StillFilter {
  private readonly meter = new ChangeMeter();
  private measuredAt = -Infinity;
  private saidAt = -Infinity;
  private wholeAt = -Infinity;
  /** The last picture that was sent whole. */
  private sent: Uint8Array | null = null;
  private target: EncoderSettings | null = null;

  /** `capabilities` are those of the server. `leavesOut`: still pictures are left out, if the server knows this. */
  constructor(
    private readonly capabilities: readonly string[],
    private readonly leavesOut: boolean,
  ) {}

  /** The milliseconds after which the points of a picture are wanted again; Infinity if they are not. */
  get interval(): number {
    if (this.skips) return 0;
    if (!this.capabilities.includes("change")) return Infinity;
    return this.capabilities.includes("motion") ? OFTEN_MS : RARELY_MS;
  }

  look(points: Uint8Array | undefined, target: EncoderSettings, at: number): Looked {
    if (!points) return this.chosen("whole", null, target, at);
    const isDue =
      this.capabilities.includes("change") &&
      at - this.measuredAt >= (this.capabilities.includes("motion") ? OFTEN_MS : RARELY_MS) * (1 - TOLERANCE);
    const choice = this.choose(points, target, at);
    const looked = this.chosen(choice, points, target, at);
    // What is measured in a picture of which nothing is sent would be lost.
    if (!isDue || choice === "nothing") return looked;
    this.measuredAt = at;
    return { ...looked, measure: this.meter.measure(points, at) };
  }

  private get skips(): boolean {
    return this.leavesOut && this.capabilities.includes("same");
  }

  private choose(points: Uint8Array, target: EncoderSettings, at: number): FrameChoice {
    const isWhole =
      !this.skips ||
      !this.sent ||
      this.target?.width !== target.width ||
      this.target.quality !== target.quality ||
      at - this.wholeAt >= WHOLE_EVERY_MS ||
      !looksSame(this.sent, points);
    if (isWhole) return "whole";
    return at - this.saidAt >= SAME_EVERY_MS * (1 - TOLERANCE) ? "same" : "nothing";
  }

  private chosen(
    choice: FrameChoice,
    points: Uint8Array | null,
    target: EncoderSettings,
    at: number,
  ): Looked {
    if (choice !== "nothing") this.saidAt = at;
    if (choice === "whole") {
      this.sent = points;
      this.target = target;
      this.wholeAt = at;
    }
    return { choice };
  }
}
