/** Asks the server for the cameras somebody can see, each no larger than it is shown. */

import { MAX_NAMED_CAMERAS, SUBSCRIPTION_INTERVAL_MS } from "../limits.js";
import { encodeSubscribe, encodeUnsubscribe, type Limits } from "./messages.js";

/** Device pixels. Steps, so that a window being resized asks seldom; above the last there is no limit. */
const WIDTHS = [160, 320, 640, 960, 1280, 1920];

/** The limit to ask for when a camera is shown `pixels` wide. */
export function widthLimit(pixels: number): number | undefined {
  return WIDTHS.find((width) => width >= pixels);
}

export interface ChoicesOptions {
  readonly send: (text: string) => boolean;
  /** The most frames a second of each camera. */
  readonly maxFps: number | undefined;
  /** What the address of the connection asks for; empty means all. */
  readonly initial: readonly string[];
  /** The server was asked for other cameras than before. */
  readonly onChange: () => void;
}

/** Until somebody says what is seen, the server sends what the address of the connection asks for. */
export class Choices {
  private readonly seen = new Map<string, number | undefined>();
  /** What the server was told: all cameras, or these with their widths. */
  private asked: Map<string, number | undefined> | "all";
  private choosy = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: ChoicesOptions) {
    this.asked = this.fresh();
  }

  /** A camera is shown `pixels` wide, or not at all for null. */
  see(clientId: string, pixels: number | null): void {
    if (pixels === null) this.seen.delete(clientId);
    else this.seen.set(clientId, widthLimit(pixels));
    this.choosy = true;
    this.timer ??= setTimeout(() => this.settle(), SUBSCRIPTION_INTERVAL_MS);
  }

  /** A new connection, for which the server knows nothing yet. */
  opened(): void {
    this.asked = this.fresh();
    if (this.choosy) this.settle();
  }

  /** Says whether frames of this camera are asked for. */
  follows(clientId: string): boolean {
    return this.asked === "all" || this.asked.has(clientId);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private fresh(): Map<string, number | undefined> | "all" {
    const { initial } = this.options;
    // Width 0 is one nobody asks for, so that the first choice names the camera again with its own.
    return initial.length === 0 ? "all" : new Map(initial.map((id) => [id, 0]));
  }

  private settle(): void {
    this.stop();
    const before = this.asked;
    const wanted = new Map([...this.seen].slice(0, MAX_NAMED_CAMERAS));
    const byWidth = new Map<number | undefined, string[]>();
    for (const [id, width] of wanted) {
      if (before !== "all" && before.has(id) && before.get(id) === width) continue;
      byWidth.set(width, [...(byWidth.get(width) ?? []), id]);
    }
    const left = before === "all" ? [] : [...before.keys()].filter((id) => !wanted.has(id));
    // A choice of none ends the default of all, as any does.
    if (before === "all" && wanted.size === 0) byWidth.set(undefined, []);
    for (const [width, ids] of byWidth) if (!this.options.send(this.subscribe(ids, width))) return;
    if (left.length > 0 && !this.options.send(encodeUnsubscribe(left))) return;
    this.asked = wanted;
    this.options.onChange();
  }

  private subscribe(ids: readonly string[], maxWidth: number | undefined): string {
    const { maxFps } = this.options;
    const limits: Limits = {
      ...(maxFps !== undefined && { maxFps }),
      ...(maxWidth !== undefined && { maxWidth }),
    };
    return encodeSubscribe(ids, limits);
  }
}
