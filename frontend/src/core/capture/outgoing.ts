/**
 * Sends frames to the server: timestamps them, holds the camera while the link is full, and lowers the target if the
 * link stays full.
 */

import { now } from "../clock.js";
import { RateMeter } from "../meter.js";
import { encodeClock, encodeEnvelope } from "../protocol.js";
import { sameSettings } from "./demand.js";
import type { EncodedFrame, EncoderSettings } from "./encode-loop.js";
import { NO_STATS, type CaptureStats } from "./snapshot.js";
import { UplinkController } from "./uplink-controller.js";
import { UplinkWindow } from "./uplink-window.js";

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

export class Outgoing {
  private readonly window = new UplinkWindow();
  private readonly controller = new UplinkController();
  private meter = new RateMeter(METER_MS);
  private meterMs = METER_MS;
  private counted = NO_STATS;
  private lastFrameBytes = 0;
  private isHeld = true;
  /**
   * Whether the camera was held at any time since the last frame was sent. A skipped frame is reported only when it is
   * time for the next frame, and the camera may not be held any more at that time.
   */
  private wasHeld = false;
  private carrier: Carrier | null = null;
  private wanted: EncoderSettings;
  private adapts = true;

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
    return this.adapts ? this.controller.limit(this.wanted) : this.wanted;
  }

  /** Whether the link is too slow for what is wanted. */
  get narrow(): boolean {
    return !sameSettings(this.sending, this.wanted);
  }

  want(wanted: EncoderSettings, adapts: boolean): void {
    this.wanted = wanted;
    this.measureOver(Math.max(METER_MS, 3000 / wanted.fps));
    if (adapts === this.adapts) return;
    this.adapts = adapts;
    this.controller.reset();
  }

  /** Sends on another connection from now on, and forgets the measurements of the last connection. */
  use(carrier: Carrier | null): void {
    this.carrier = carrier;
    this.window.reset();
    this.controller.begin();
    this.judge();
  }

  frame(frame: EncodedFrame): void {
    const { carrier } = this;
    if (this.isHeld || !carrier?.send(this.wrapped(frame))) {
      this.skipped();
      return;
    }
    this.lastFrameBytes = frame.jpeg.byteLength;
    const at = now();
    this.meter.add(at, frame.jpeg.byteLength);
    const { width, height } = frame;
    this.counted = { ...this.counted, sent: this.counted.sent + 1, width, height };
    this.wasHeld = false;
    this.controller.frame(false);
    // Do not wait for receipts from a server that does not answer clock messages.
    if (carrier.offset !== undefined && carrier.send(encodeClock(at))) this.window.sent(at);
    this.judge();
  }

  /** Counts a frame that should have been sent now, but was skipped. */
  skipped(): void {
    this.counted = { ...this.counted, dropped: this.counted.dropped + 1 };
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

  resetStats(): void {
    this.counted = NO_STATS;
    this.meter.reset();
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
  private wrapped({ jpeg, takenAt }: EncodedFrame): ArrayBuffer | Uint8Array<ArrayBuffer> {
    const offset = this.carrier?.offset;
    if (offset === undefined) return jpeg;
    return encodeEnvelope({ capturedAt: Math.round((takenAt + offset) * 10) / 10 }, new Uint8Array(jpeg));
  }
}
