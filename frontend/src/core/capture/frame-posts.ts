/** Sends frames without a WebSocket: one HTTP POST after the other, each with one JPEG. */

export interface FramePostsOptions {
  /** Where the camera posts its frames. */
  readonly url: string;
  readonly fetch?: typeof fetch | undefined;
}

export interface FramePostsHandlers {
  /** The server has taken a frame. */
  onTaken(): void;
  /** Another page or program sends for this camera now. */
  onReplaced(): void;
  /** The server has taken no frame for several attempts, so this way is closed too. */
  onLost(): void;
  /** There is room for the next frame. */
  onRoom(): void;
}

const DEADLINE_MS = 10_000;
/** Attempts in a row without success, after which the way counts as closed. */
const MAX_FAILURES = 3;
/** The wait after a failed attempt. */
const PAUSE_MS = 1000;
/** How long `hold` waits for the answer to the request in progress. */
const HOLD_MS = 3000;

export class FramePosts {
  private ended = false;
  /** Ends the request in progress. */
  private request: AbortController | null = null;
  private busy = false;
  private failures = 0;
  private held = false;
  private attempted: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly options: FramePostsOptions,
    private readonly handlers: FramePostsHandlers,
  ) {}

  /** Whether a frame is on its way. The next one waits until the server has taken it, so no queue can form. */
  get full(): boolean {
    return this.busy || this.held;
  }

  /** Returns false if there is no room for a frame now. */
  send(jpeg: ArrayBuffer | Uint8Array<ArrayBuffer>): boolean {
    if (this.full || this.ended) return false;
    this.busy = true;
    void this.post(jpeg);
    return true;
  }

  /**
   * Takes no more frames. Resolves when the server has answered the request in progress, or has not for some seconds.
   *
   * A request that is aborted may still be on its way. If it came after the registration over a WebSocket, the server
   * would believe that another program takes the camera over.
   */
  async hold(): Promise<void> {
    this.held = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, HOLD_MS);
    });
    await Promise.race([this.attempted, late]);
    clearTimeout(timer);
  }

  /** Takes frames again after `hold`. */
  release(): void {
    if (!this.held || this.ended) return;
    this.held = false;
    if (!this.busy) this.handlers.onRoom();
  }

  stop(): void {
    this.ended = true;
    this.request?.abort();
  }

  private async post(jpeg: ArrayBuffer | Uint8Array<ArrayBuffer>): Promise<void> {
    const attempt = this.attempt(jpeg);
    this.attempted = attempt;
    const status = await attempt;
    if (this.over()) return;
    if (status === 409) {
      this.handlers.onReplaced();
      return;
    }
    if (status >= 200 && status < 300) {
      this.failures = 0;
      this.busy = false;
      this.handlers.onTaken();
      if (!this.over()) this.handlers.onRoom();
      return;
    }
    this.failures++;
    if (this.failures === MAX_FAILURES) {
      this.handlers.onLost();
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    this.busy = false;
    if (!this.over()) this.handlers.onRoom();
  }

  /** Returns the status of the answer; 0 if there was none. */
  private async attempt(jpeg: ArrayBuffer | Uint8Array<ArrayBuffer>): Promise<number> {
    const { url } = this.options;
    const headers = { "Content-Type": "image/jpeg" };
    const request = (this.request = new AbortController());
    const timer = setTimeout(() => request.abort(), DEADLINE_MS);
    try {
      const options = { method: "POST", headers, body: jpeg, signal: request.signal };
      const answer = await (this.options.fetch ?? fetch)(url, options);
      // Without this, the browser may keep the connection occupied.
      await answer.arrayBuffer();
      return answer.status;
    } catch {
      return 0;
    } finally {
      clearTimeout(timer);
    }
  }

  private over(): boolean {
    return this.ended;
  }
}
