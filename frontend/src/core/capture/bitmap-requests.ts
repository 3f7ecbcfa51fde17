/**
 * Decides when to take the next picture out of a video: at the frame rate, but never while an earlier picture is still
 * being taken or encoded. Without this back-pressure, requests pile up on a slow device and hold up everything else.
 */

export interface BitmapRequestHandlers {
  /** Take a picture, and call `answered` when it is there. If there is none yet, do nothing. */
  request(): void;
  /** It was time for a picture, but none was taken: because of `hold`, or because the device is `busy`. */
  missed(busy: boolean): void;
  /** Whether a picture is being encoded. */
  isEncoding(): boolean;
}

/** A request without an answer counts as lost after this time, for example because the page was suspended. */
const LOST_MS = 1000;
/** Milliseconds between two requests while the video has not begun, so that a slow rate does not delay the first picture. */
const FIRST_EVERY_MS = 100;

export class BitmapRequests {
  private timer: ReturnType<typeof setInterval> | undefined;
  private firstTimer: ReturnType<typeof setInterval> | undefined;
  private fps: number;
  private held = false;
  private begun = false;
  private requestedAt = -Infinity;
  private outstanding = false;

  constructor(
    fps: number,
    private readonly handlers: BitmapRequestHandlers,
  ) {
    this.fps = fps;
  }

  start(held: boolean): void {
    this.held = held;
    this.timer = setInterval(() => this.tick(), 1000 / this.fps);
    this.firstTimer = setInterval(() => {
      if (this.begun) clearInterval(this.firstTimer);
      else if (!this.held) this.request();
    }, FIRST_EVERY_MS);
    if (!held) this.request();
  }

  stop(): void {
    clearInterval(this.timer);
    clearInterval(this.firstTimer);
  }

  setRate(fps: number): void {
    // Restarting the timer at the same rate could postpone a slow tick again and again.
    if (fps === this.fps) return;
    const faster = fps > this.fps;
    this.fps = fps;
    clearInterval(this.timer);
    this.timer = setInterval(() => this.tick(), 1000 / fps);
    if (faster) this.requestIfDue();
  }

  /** While held, no pictures are taken. When this ends, a picture that is due is taken immediately. */
  hold(held: boolean): void {
    const wasHeld = this.held;
    this.held = held;
    if (wasHeld && !held) this.requestIfDue();
  }

  answered(): void {
    // A picture that arrives while held is not sent, so the first one is still to come.
    if (!this.held) this.begun = true;
    this.outstanding = false;
  }

  private requestIfDue(): void {
    if (this.held || Date.now() - this.requestedAt < 1000 / this.fps || this.isBusy()) return;
    this.request();
  }

  private tick(): void {
    if (this.held) this.handlers.missed(false);
    else if (this.isBusy()) this.handlers.missed(true);
    else this.request();
  }

  private isBusy(): boolean {
    const waiting = this.begun && this.outstanding && Date.now() - this.requestedAt < LOST_MS;
    return waiting || this.handlers.isEncoding();
  }

  private request(): void {
    this.outstanding = true;
    this.requestedAt = Date.now();
    this.handlers.request();
  }
}
