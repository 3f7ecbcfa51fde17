/**
 * Sends frames to the server: timestamps them, holds the camera while the link is full, and lowers the target if the
 * link stays full.
 */

import { now } from "../clock.js";
import { RateMeter } from "../meter.js";
import { encodeClock, encodeEnvelope, encodeSame } from "../protocol.js";
import type { PictureMeasure } from "./change-meter.js";
import { sameSettings } from "./demand.js";
import type { EncodedFrame, EncoderSettings } from "./encode-loop.js";
import { FrameSizeGuard } from "./frame-size.js";
import { NO_STATS, type CaptureStats, type RateLimit } from "./snapshot.js";
import { StillFilter } from "./still-filter.js";
import { UplinkController } from "./uplink-controller.js";
import { UplinkWindow } from "./uplink-window.js";

/** Frames below this width in pixels would be useless. */
const LEAST_WIDTH = 16;

/** A connection to the server. */
export interface Carrier {
  readonly onAir: boolean;
  /** Bytes that have not left the browser. */
  readonly bufferedAmount: number;
  /**
   * The server's clock minus ours in milliseconds; undefined until the server has answered a clock message on this
   * connection.
   */
  readonly offset: number | undefined;
  /** Returns false if the connection is not open. */
  send(data: string | ArrayBuffer | Uint8Array<ArrayBuffer>): boolean;
}

export interface OutgoingHandlers {
  /** Whether the camera is to stop encoding for now. */
  onHold(held: boolean): void;
  /** The uplink controller has changed `sending`. */
  onAdapted(): void;
}

/**
 * Bytes that may wait in the browser unsent. If two frames are larger than this, two frames may wait. With more, frames
 * would only get older.
 */
const BACKLOG_BYTES = 64 * 1024;
/** The rates are measured over the last 3 s, or over a longer time if less than one frame a second is wanted. */
const METER_MS = 3000;
/** If a smaller share of the wanted rate is sent, the page says what limits it. */
const CLEARLY_LESS = 0.8;

export class Outgoing {
  private readonly window = new UplinkWindow();
  private readonly controller = new UplinkController();
  private readonly guard = new FrameSizeGuard();
  private meter = new RateMeter(METER_MS);
  private meterMs = METER_MS;
  private counted = NO_STATS;
  /** Since when the rates are those of the present target, over a connection. */
  private measuredSince = Infinity;
  /** Frames since then that were skipped, because the camera was held or because the device was busy. */
  private skippedHeld = 0;
  private skippedBusy = 0;
  /** Still pictures since then that were left out. */
  private leftOut = 0;
  private lastFrameBytes = 0;
  private largest = 0;
  private isHeld = true;
  /**
   * Whether the camera was held at any time since the last frame was sent. A skipped frame is reported only when it is
   * time for the next frame, and the camera may not be held any more at that time.
   */
  private wasHeld = false;
  private carrier: Carrier | null = null;
  private wanted: EncoderSettings;
  private adapts = true;
  private still = new StillFilter([], false);

  constructor(
    wanted: EncoderSettings,
    private readonly handlers: OutgoingHandlers,
  ) {
    this.wanted = wanted;
  }

  get held(): boolean {
    return this.isHeld;
  }

  /** The target of the encoder: what is wanted, limited to what the link carries. */
  get sending(): EncoderSettings {
    const carried = this.carried;
    return { ...carried, width: Math.max(LEAST_WIDTH, Math.round(carried.width * this.guard.widthFactor)) };
  }

  /** Whether the link is too slow for what is wanted. */
  get narrow(): boolean {
    return !sameSettings(this.carried, this.wanted);
  }

  /** Whether the frames are made smaller because the server takes no larger ones. */
  get tooLarge(): boolean {
    return this.guard.widthFactor < 1;
  }

  /** What is wanted, limited to what the link carries. */
  private get carried(): EncoderSettings {
    return this.adapts ? this.controller.limit(this.wanted) : this.wanted;
  }

  /** The most bytes that a frame may have. Larger frames are not sent, and the next ones are made smaller. */
  get sizeLimit(): number {
    return this.guard.limit;
  }

  set sizeLimit(bytes: number) {
    this.guard.limit = bytes;
  }

  /** Bytes of the largest frame that was sent on this connection. */
  get largestFrame(): number {
    return this.largest;
  }

  want(wanted: EncoderSettings, adapts: boolean): void {
    if (wanted.fps !== this.wanted.fps) this.measureAgain();
    this.wanted = wanted;
    this.measureOver(Math.max(METER_MS, 3000 / wanted.fps));
    if (adapts === this.adapts) return;
    this.adapts = adapts;
    this.controller.reset();
  }

  /** Sends on another connection from now on, and forgets the measurements of the last connection. */
  use(carrier: Carrier | null): void {
    this.carrier = carrier;
    this.largest = 0;
    this.measureAgain();
    this.window.reset();
    this.controller.begin();
    this.judge();
  }

  /** Looks at the pictures in another way from now on. */
  filter(still: StillFilter): void {
    this.still = still;
  }

  frame(frame: EncodedFrame): void {
    const { carrier } = this;
    if (!this.guard.admits(frame.jpeg.byteLength, now())) {
      this.counted = { ...this.counted, dropped: this.counted.dropped + 1 };
      this.handlers.onAdapted();
      return;
    }
    if (this.isHeld || !carrier) {
      this.skipped();
      return;
    }
    const { choice, measure } = this.still.look(frame.points, this.sending, now());
    if (choice !== "whole") {
      // The picture is shown as it was sent last, so nothing is missing.
      this.leftOut++;
      if (choice === "same") carrier.send(encodeSame(this.header(frame, measure)));
      return;
    }
    if (!carrier.send(this.wrapped(frame, measure))) {
      this.skipped();
      return;
    }
    this.lastFrameBytes = frame.jpeg.byteLength;
    this.largest = Math.max(this.largest, frame.jpeg.byteLength);
    const at = now();
    this.meter.add(at, frame.jpeg.byteLength);
    const { width, height } = frame;
    const { sent, bytes } = this.counted;
    this.counted = {
      ...this.counted,
      sent: sent + 1,
      bytes: bytes + frame.jpeg.byteLength,
      width,
      height,
    };
    this.wasHeld = false;
    this.controller.frame(false);
    // Do not wait for receipts from a server that does not answer clock messages.
    if (carrier.offset !== undefined && carrier.send(encodeClock(at))) this.window.sent(at);
    this.judge();
  }

  /** Counts a frame that should have been sent now, but was skipped: while held, or because the device was `busy`. */
  skipped(busy = false): void {
    this.counted = { ...this.counted, dropped: this.counted.dropped + 1 };
    if (busy) this.skippedBusy++;
    else this.skippedHeld++;
    if (this.wasHeld && this.carrier?.onAir) this.controller.frame(true);
    // Skipped frames come at the frame rate, also in a hidden page. Such a page has slow timers, so the skipped frames
    // serve as a timer.
    this.judge();
  }

  /**
   * The server answered a clock message. Returns true if this answer is a frame's receipt; other answers measure the
   * round trip.
   */
  answered(sentAt: number): boolean {
    const at = now();
    const receipt = this.window.answered(sentAt, at);
    if (!receipt) this.window.roundTrip(at, at - sentAt);
    this.judge();
    return receipt;
  }

  /** Decides whether to hold the camera, and whether to change the target. */
  judge(): void {
    const at = now();
    const { carrier } = this;
    const limit = Math.max(BACKLOG_BYTES, 2 * this.lastFrameBytes);
    const held = !carrier?.onAir || carrier.bufferedAmount > limit || !this.window.open;
    if (held !== this.isHeld) {
      this.isHeld = held;
      this.wasHeld ||= held;
      this.handlers.onHold(held);
    }
    if (!this.adapts || !carrier?.onAir) return;
    if (this.controller.evaluate(at, this.window.congested(at))) this.handlers.onAdapted();
  }

  stats(): Omit<CaptureStats, "roundTrip"> {
    const { perSecond, amountPerSecond } = this.meter.rates(now());
    return { ...this.counted, fps: perSecond, bytesPerSecond: amountPerSecond };
  }

  /** Says what keeps the rate clearly below the target; null if nothing does, or if it is too early to say. */
  limit(): RateLimit | null {
    const seconds = (now() - this.measuredSince) / 1000;
    if (!this.carrier?.onAir || seconds * 1000 < this.meterMs) return null;
    const target = this.sending.fps;
    const perSecond = this.meter.rates(now()).perSecond + this.leftOut / seconds;
    // A rate that is measured from two frames only is not exact enough.
    if (target < 1 || perSecond >= CLEARLY_LESS * target) return null;
    const [busy, held] = [this.skippedBusy / seconds, this.skippedHeld / seconds];
    const missing = target - perSecond;
    if (Math.max(busy, held) < missing / 4) return "camera";
    return busy > held ? "device" : "uplink";
  }

  resetStats(): void {
    this.counted = NO_STATS;
    this.meter.reset();
  }

  private measureAgain(): void {
    this.measuredSince = this.carrier ? now() : Infinity;
    this.skippedBusy = this.skippedHeld = this.leftOut = 0;
  }

  /** Measures the rates over `ms` milliseconds: a low rate needs a longer time. */
  private measureOver(ms: number): void {
    if (ms === this.meterMs) return;
    this.meterMs = ms;
    this.meter = new RateMeter(ms);
  }

  /**
   * Wraps the JPEG in an envelope with the time of capture. While the server's clock is unknown, the JPEG is sent
   * alone.
   */
  private wrapped(frame: EncodedFrame, measure?: PictureMeasure): ArrayBuffer | Uint8Array<ArrayBuffer> {
    if (this.carrier?.offset === undefined) return frame.jpeg;
    return encodeEnvelope(this.header(frame, measure), new Uint8Array(frame.jpeg));
  }

  private header({ takenAt }: EncodedFrame, measure?: PictureMeasure): Readonly<Record<string, unknown>> {
    const offset = this.carrier?.offset;
    return {
      ...(offset !== undefined && { capturedAt: Math.round((takenAt + offset) * 10) / 10 }),
      ...measure,
    };
  }
}
