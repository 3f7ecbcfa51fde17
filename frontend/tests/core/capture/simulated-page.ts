/** A camera, an encoder and a link to a server in virtual time: vitest's fake timers have to be in use. */

import { now } from "../../../src/core/clock.js";
import { EncodeLoop, type EncoderSettings, type Picture } from "../../../src/core/capture/encode-loop.js";
import { Outgoing } from "../../../src/core/capture/outgoing.js";
import { vi } from "vitest";

const CAMERA_FPS = 30;
const CAMERA_WIDTH = 1280;

export interface LinkOptions {
  /** Bytes a second, upwards; the way down is wide. */
  rate: number;
  /** Milliseconds, each way. */
  delay: number;
  /** Bytes that queues on the way hold; what is beyond waits in the browser. */
  buffer: number;
}

export interface Arrival {
  readonly at: number;
  readonly age: number;
  readonly bytes: number;
}

/** Bytes of a JPEG of a moving scene, about: 50 kB at 1280 px and quality 0.7. */
export function jpegBytes(width: number, quality: number): number {
  return Math.round(50_000 * (width / 1280) ** 1.7 * (0.25 + 1.07 * quality ** 2 + 0.32 * quality));
}

/** A first in, first out queue that empties at a rate, and a way behind it. */
class SimulatedLink {
  private freeAt = 0;
  private stalledUntil = 0;

  constructor(readonly options: LinkOptions) {}

  get waiting(): number {
    return (Math.max(0, this.freeAt - Math.max(now(), this.stalledUntil)) / 1000) * this.options.rate;
  }

  get bufferedAmount(): number {
    return Math.max(0, this.waiting - this.options.buffer);
  }

  /** What waits already goes at the new rate too. */
  setRate(rate: number): void {
    const { waiting } = this;
    this.options.rate = rate;
    this.freeAt = Math.max(now(), this.stalledUntil) + (waiting / rate) * 1000;
  }

  /** Carries nothing for this long from now on. */
  stall(ms: number): void {
    this.stalledUntil = now() + ms;
    this.freeAt = Math.max(this.freeAt, this.stalledUntil);
  }

  carry(bytes: number, arrived: () => void): void {
    this.freeAt = Math.max(now(), this.freeAt) + (bytes / this.options.rate) * 1000;
    setTimeout(arrived, this.freeAt - now() + this.options.delay);
  }
}

export class SimulatedPage {
  readonly arrivals: Arrival[] = [];
  readonly history: EncoderSettings[] = [];
  readonly link: SimulatedLink;
  readonly outgoing: Outgoing;
  private readonly loop: EncodeLoop<Picture>;
  private readonly timers: ReturnType<typeof setInterval>[] = [];

  constructor(
    options: LinkOptions,
    wanted: EncoderSettings = { fps: 30, width: 1280, quality: 0.7 },
    /** Whether the server answers questions about its clock. */
    answers = true,
  ) {
    this.link = new SimulatedLink(options);
    this.outgoing = new Outgoing(wanted, {
      onHold: (held) => this.loop.hold(held),
      onAdapted: () => this.aim(),
    });
    this.loop = new EncodeLoop(wanted, {
      encode: (_, width, _height, quality) => Promise.resolve(new ArrayBuffer(jpegBytes(width, quality))),
      onFrame: (frame) => this.outgoing.frame(frame),
      onSkipped: () => this.outgoing.skipped(),
      onError: () => undefined,
    });
    this.loop.hold(true);
    this.outgoing.use(this.carrier(answers));
    const picture = { width: CAMERA_WIDTH, height: (CAMERA_WIDTH * 9) / 16, close: () => undefined };
    this.timers.push(setInterval(() => this.loop.offer(picture, now()), 1000 / CAMERA_FPS));
    this.timers.push(setInterval(() => this.outgoing.judge(), 500));
    // What the heartbeat does.
    if (answers) this.timers.push(setInterval(() => this.ask(now()), 2000));
    if (answers) this.ask(now());
  }

  want(wanted: EncoderSettings): void {
    this.outgoing.want(wanted, true);
    this.aim();
  }

  async run(ms: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(ms);
  }

  /** Of the last `ms` milliseconds: frames a second, their greatest age, and the share of the wanted frames. */
  last(ms: number): { fps: number; age: number; bytesPerSecond: number } {
    const recent = this.arrivals.filter(({ at }) => at > now() - ms);
    return {
      fps: (recent.length * 1000) / ms,
      age: Math.max(...recent.map(({ age }) => age)),
      bytesPerSecond: (recent.reduce((sum, { bytes }) => sum + bytes, 0) * 1000) / ms,
    };
  }

  stop(): void {
    for (const timer of this.timers) clearInterval(timer);
  }

  private aim(): void {
    this.history.push(this.outgoing.sending);
    this.loop.configure(this.outgoing.sending);
  }

  private ask(sentAt: number): void {
    const { delay } = this.link.options;
    this.link.carry(60, () => setTimeout(() => this.outgoing.answered(sentAt), delay));
  }

  private carrier(answers: boolean) {
    const { link } = this;
    return {
      onAir: true,
      get bufferedAmount() {
        return link.bufferedAmount;
      },
      offset: answers ? 0 : undefined,
      send: (data: string | ArrayBuffer | Uint8Array<ArrayBuffer>): boolean => {
        if (typeof data === "string") this.ask((JSON.parse(data) as { sentAt: number }).sentAt);
        else this.frame(data.byteLength);
        return true;
      },
    };
  }

  private frame(bytes: number): void {
    const sentAt = now();
    this.link.carry(bytes, () => this.arrivals.push({ at: now(), age: now() - sentAt, bytes }));
  }
}
