/** Finds a connection that is open in name only, and measures the round trip on the way. */

import { ClockSync, now } from "./clock.js";
import { encodeClock } from "./protocol.js";

const ASK_EVERY_MS = 2000;
/** The first questions come quickly: with the best of five answers the clocks are known well from the start. */
const FIRST_QUESTIONS = 5;
const FIRST_EVERY_MS = 100;
/** An unanswered question this old means the other side is gone. */
const SILENCE_MS = 12_000;

export interface HeartbeatOptions {
  readonly send: (text: string) => void;
  /** The connection is dead although nobody closed it. */
  readonly onSilent: () => void;
}

/** Start it when a connection opens, stop it when it closes, tell it of every message. */
export class Heartbeat {
  readonly clock = new ClockSync();
  private timer: ReturnType<typeof setInterval> | undefined;
  private firstTimer: ReturnType<typeof setInterval> | undefined;
  private unansweredSince: number | undefined;
  /** Servers that know no clock messages may be silent for good reason. */
  private answers = false;

  constructor(private readonly options: HeartbeatOptions) {}

  start(): void {
    this.stop();
    this.answers = false;
    this.ask();
    let asked = 1;
    this.firstTimer = setInterval(() => {
      this.ask();
      if (++asked >= FIRST_QUESTIONS) clearInterval(this.firstTimer);
    }, FIRST_EVERY_MS);
    this.timer = setInterval(() => {
      // Counted from a question, not from the last message: a hidden page's timers run once a minute.
      const silent = this.unansweredSince !== undefined && now() - this.unansweredSince > SILENCE_MS;
      if (silent && this.answers) this.options.onSilent();
      else this.ask();
    }, ASK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.timer);
    clearInterval(this.firstTimer);
    this.timer = undefined;
    this.unansweredSince = undefined;
  }

  /** Any message shows that the other side is there. */
  heard(): void {
    this.unansweredSince = undefined;
  }

  /** Takes a clock message: an answer to ours, or the server's own question. */
  take(message: { readonly sentAt: number; readonly serverAt?: number }): void {
    if (message.serverAt === undefined) {
      this.options.send(encodeClock(message.sentAt, now()));
      return;
    }
    this.answers = true;
    this.clock.add(message.sentAt, message.serverAt, now());
  }

  private ask(): void {
    this.unansweredSince ??= now();
    this.options.send(encodeClock(now()));
  }
}
