/** Subscribes to the cameras that are visible on the page, each with a width limit that fits its size on the page. */

import { MAX_NAMED_CAMERAS, SUBSCRIPTION_INTERVAL_MS } from "../limits.js";
import { encodeSubscribe, encodeUnsubscribe, type Limits } from "./messages.js";

/**
 * The possible width limits in device pixels. As there are only a few, resizing a window sends few requests. A camera
 * that is shown wider than the last one has no limit.
 */
const WIDTHS = [160, 320, 640, 960, 1280, 1920];

/** Returns the `maxWidth` to ask for when a camera is shown `pixels` wide; undefined means no limit. */
export function widthLimit(pixels: number): number | undefined {
  return WIDTHS.find((width) => width >= pixels);
}

export interface SubscriptionsOptions {
  /** Returns false if there is no connection. */
  readonly send: (text: string) => boolean;
  /** The highest frame rate to ask for, for each camera. */
  readonly maxFps: number | undefined;
  /** The cameras that the connection's address asks for; empty means all. */
  readonly initial: readonly string[];
  /** The subscriptions have changed; `wasSubscribed` tells the state before. */
  readonly onChange: (wasSubscribed: (cameraId: string) => boolean) => void;
}

/** The cameras with their width limits, or all cameras. */
type Requested = Map<string, number | undefined> | "all";

/**
 * Until `setShownWidth` is called for the first time, the server sends frames of the cameras that the connection's
 * address asks for.
 */
export class Subscriptions {
  private readonly shown = new Map<string, number | undefined>();
  /** What the server was last asked for. */
  private requested: Requested;
  private explicit = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: SubscriptionsOptions) {
    this.requested = this.requestedByAddress();
  }

  /** The camera is shown `pixels` wide, or is not visible if null. */
  setShownWidth(cameraId: string, pixels: number | null): void {
    if (pixels === null) this.shown.delete(cameraId);
    else this.shown.set(cameraId, widthLimit(pixels));
    this.explicit = true;
    this.timer ??= setTimeout(() => this.flush(), SUBSCRIPTION_INTERVAL_MS);
  }

  /** Subscribes again on a new connection. */
  opened(): void {
    this.requested = this.requestedByAddress();
    if (this.explicit) this.flush();
  }

  isSubscribed(cameraId: string): boolean {
    return includes(this.requested, cameraId);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private requestedByAddress(): Requested {
    const { initial } = this.options;
    // No tile has width 0, so the first flush subscribes to each camera again with its own width.
    return initial.length === 0 ? "all" : new Map(initial.map((id) => [id, 0]));
  }

  /** Sends the difference between what was requested and what is shown. */
  private flush(): void {
    this.stop();
    const before = this.requested;
    const wanted = new Map([...this.shown].slice(0, MAX_NAMED_CAMERAS));
    const byWidth = new Map<number | undefined, string[]>();
    for (const [id, width] of wanted) {
      if (before !== "all" && before.has(id) && before.get(id) === width) continue;
      byWidth.set(width, [...(byWidth.get(width) ?? []), id]);
    }
    const hidden = before === "all" ? [] : [...before.keys()].filter((id) => !wanted.has(id));
    // Any `subscribe` ends the default, which is all cameras. This is also true of a `subscribe` that names no camera.
    if (before === "all" && wanted.size === 0) byWidth.set(undefined, []);
    // So the first one names all that are shown: a playback of a camera that it left out would end.
    let first = before === "all";
    for (const [width, ids] of byWidth) {
      if (!this.options.send(this.subscribe(first ? [...wanted.keys()] : ids, width))) return;
      first = false;
    }
    if (hidden.length > 0 && !this.options.send(encodeUnsubscribe(hidden))) return;
    this.requested = wanted;
    this.options.onChange((cameraId) => includes(before, cameraId));
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

function includes(requested: Requested, cameraId: string): boolean {
  return requested === "all" || requested.has(cameraId);
}
