/** The way of frames to the server: stamps them, holds them back while the link is full, and asks for less if it stays so. */

import { now } from "../clock.js";
import { RateMeter } from "../meter.js";
import { encodeClock, encodeEnvelope } from "../protocol.js";
import { Adaptation } from "./adaptation.js";
import { sameSettings } from "./demand.js";
import type { EncodedFrame, EncoderSettings } from "./encode-loop.js";
import { NO_STATS, type CaptureStats } from "./snapshot.js";
import { Uplink } from "./uplink.js";

/** A connection to a server. */
export interface Carrier {
  readonly onAir: boolean;
  /** Bytes that have not left the browser. */
  readonly bufferedAmount: number;
  /** The server's clock minus ours in milliseconds; undefined while it has not answered on this connection. */
  readonly offset: number | undefined;
  /** False if the connection is not open. */
  send(data: string | ArrayBuffer | Uint8Array<ArrayBuffer>): boolean;
}

export interface OutgoingHandlers {
  /** Pictures are of no use from now on, or of use again. */
  onHold(held: boolean): void;
  /** `sending` has changed by itself. */
  onAdapted(): void;
}

/** What may wait in the browser unsent; more would only be older when it arrives. At least two frames, however big. */
const BACKLOG_BYTES = 64 * 1024;
/** How far back the rates look. */
const METER_MS = 3000;

export class Outgoing {
  private readonly uplink = new Uplink();
  private readonly adaptation = new Adaptation();
  private meter = new RateMeter(METER_MS);
  private meterMs = METER_MS;
  private counted = NO_STATS;
  private lastFrameBytes = 0;
  private isHeld = true;
  /** Since the last frame that was sent. A skipped frame is reported when the next one is due. */
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

  /** What is to be encoded: of what is wanted, what the link carries. */
  get sending(): EncoderSettings {
    return this.adapts ? this.adaptation.limit(this.wanted) : this.wanted;
  }

  /** Whether the link carries less than is wanted. */
  get narrow(): boolean {
    return !sameSettings(this.sending, this.wanted);
  }

  want(wanted: EncoderSettings, adapts: boolean): void {
    this.wanted = wanted;
    this.measureOver(Math.max(METER_MS, 3000 / wanted.fps));
    if (adapts === this.adapts) return;
    this.adapts = adapts;
    this.adaptation.reset();
  }

  /** Frames go here from now on, and what is known of the old way is no longer so. */
  use(carrier: Carrier | null): void {
    this.carrier = carrier;
    this.uplink.reset();
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
    this.adaptation.sent(at);
    // A server that answers no such questions must not be made to wait for.
    if (carrier.offset !== undefined && carrier.send(encodeClock(at))) this.uplink.sent(at);
    this.judge();
  }

  /** A frame that was due was not encoded. */
  skipped(): void {
    this.counted = { ...this.counted, dropped: this.counted.dropped + 1 };
    if (this.wasHeld && this.carrier?.onAir) this.adaptation.lost(now());
    // Skipped frames come at the frame rate, even in a hidden page whose timers sleep: they are our tick.
    this.judge();
  }

  /** The server answered a question. True if that was a frame's receipt; others measure the way. */
  answered(sentAt: number): boolean {
    const at = now();
    const receipt = this.uplink.answered(sentAt, at);
    if (!receipt) this.uplink.roundTrip(at, at - sentAt);
    this.judge();
    return receipt;
  }

  /** Decides anew whether to hold pictures back, and what to ask of the camera. */
  judge(): void {
    const at = now();
    const { carrier } = this;
    const limit = Math.max(BACKLOG_BYTES, 2 * this.lastFrameBytes);
    const held = !carrier?.onAir || carrier.bufferedAmount > limit || !this.uplink.open;
    if (held !== this.isHeld) {
      this.isHeld = held;
      this.wasHeld ||= held;
      this.handlers.onHold(held);
    }
    if (!this.adapts || !carrier?.onAir) return;
    const { uplink } = this;
    if (this.adaptation.judge(at, this.wanted, uplink.queueing(at), uplink.takeBusy())) {
      this.handlers.onAdapted();
    }
  }

  stats(): Omit<CaptureStats, "roundTrip"> {
    const { perSecond, amountPerSecond } = this.meter.rates(now());
    return { ...this.counted, fps: perSecond, bytesPerSecond: amountPerSecond };
  }

  resetStats(): void {
    this.counted = NO_STATS;
    this.meter.reset();
  }

  /** A rate takes some frames to be seen. */
  private measureOver(ms: number): void {
    if (ms === this.meterMs) return;
    this.meterMs = ms;
    this.meter = new RateMeter(ms);
  }

  /** A server that has told its clock is told when the picture was taken; others get what they have always got. */
  private wrapped({ jpeg, takenAt }: EncodedFrame): ArrayBuffer | Uint8Array<ArrayBuffer> {
    const offset = this.carrier?.offset;
    if (offset === undefined) return jpeg;
    return encodeEnvelope({ capturedAt: Math.round((takenAt + offset) * 10) / 10 }, new Uint8Array(jpeg));
  }
}
