/** Detects a connection that is open but dead, and measures the round trip. */

import { ClockSync, now } from "./clock.js";
import { encodeClock } from "./protocol.js";

const ASK_EVERY_MS = 2000;
/**
 * The first questions follow each other quickly: the best of five answers soon gives a good estimate of the server's
 * clock.
 */
const FIRST_QUESTIONS = 5;
const FIRST_EVERY_MS = 100;
/** The connection is dead if a question stays unanswered for this long. */
const SILENCE_MS = 12_000;

export interface HeartbeatOptions {
  readonly send: (text: string) => void;
  /** The connection is dead, although it was not closed. */
  readonly onSilent: () => void;
}

/**
 * Checks one connection. Call `start` when the connection opens, `stop` when it closes, and `noteMessage` for every
 * message of the server.
 */
export class Heartbeat {
  readonly clock = new ClockSync();
  private timer: ReturnType<typeof setInterval> | undefined;
  private firstTimer: ReturnType<typeof setInterval> | undefined;
  private unansweredSince: number | undefined;
  /**
   * Whether the server answers clock messages. If it does not, its silence does not mean that the connection is dead.
   */
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
      // Measured from the first unanswered question, not from the last message, because the timers of a hidden page run
      // only once a minute.
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

  /** Any message proves that the connection works. */
  noteMessage(): void {
    this.unansweredSince = undefined;
  }

  /** Handles a clock message: an answer to our question, or a question of the server. */
  handle(message: { readonly sentAt: number; readonly serverAt?: number }): void {
    if (message.serverAt === undefined) {
      this.options.send(encodeClock(message.sentAt, now()));
      return;
    }
    this.answers = true;
    this.clock.add(message.sentAt, message.serverAt, now());
  }

  /** Returns for how many milliseconds the server has not answered; 0 if it need not answer. */
  silentFor(at: number): number {
    return this.answers && this.unansweredSince !== undefined ? at - this.unansweredSince : 0;
  }

  private ask(): void {
    this.unansweredSince ??= now();
    this.options.send(encodeClock(now()));
  }
}
