/** The token that a page presents: got for the first connection, again after a refusal, and again before it expires. */

import { isObject, parseObject } from "./protocol.js";

/** Returns the token, or nothing if there is none. May ask the app's own server for it. */
export type GetToken = () => string | null | undefined | PromiseLike<string | null | undefined>;

const ACCESS_CODES = ["unauthenticated", "forbidden", "access-ended"] as const;
/** Why a server refuses access: it wants a token or another one, the token lacks this right, or the access has ended. */
export type AccessCode = (typeof ACCESS_CODES)[number];

export interface AccessRefusal {
  readonly code: AccessCode;
  /** What the server said, for people; may be empty. */
  readonly reason: string;
}

/** Milliseconds until the next attempt with a token that the server has refused. */
export const REFUSED_WAIT_MS = 60_000;
/** The app returns its token within this time. */
const ASK_DEADLINE_MS = 15_000;
/** Between two questions for a newer token. By then, the server's clock is known. */
const SHORTEST_PAUSE_MS = 1000;
/** A token is renewed at most this long before it expires. */
const LATEST_RENEWAL_MS = 60_000;
/** A longer timer would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export function isAccessCode(value: unknown): value is AccessCode {
  return ACCESS_CODES.some((code) => code === value);
}

/** Reads the answer to an HTTP request. Returns null if this is not how a server of ours refuses access. */
export function readRefusal(status: number, body: string): AccessRefusal | null {
  if (status !== 401 && status !== 403) return null;
  const answer = parseObject(body);
  if (!isObject(answer) || !isAccessCode(answer.code)) return null;
  return { code: answer.code, reason: typeof answer.error === "string" ? answer.error.slice(0, 200) : "" };
}

export class Access {
  private current: string | null = null;
  private asking: Promise<string | null> | null = null;
  /** Since the server last accepted this page. */
  private refusals = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly getToken?: GetToken) {}

  /** Whether there may be a token. */
  get hasToken(): boolean {
    return this.getToken !== undefined;
  }

  /** Resolves to the token for the next connection or request; null if there is none. Never rejects. */
  async token(): Promise<string | null> {
    this.current ??= await this.ask();
    return this.current;
  }

  /** Notes that the server has accepted this page. */
  noteSuccess(): void {
    this.refusals = 0;
  }

  /**
   * Notes a refusal. Resolves to whether another token is there to be tried at once. The app is asked once: a token that
   * stays the same, or a second refused token, is not tried again soon.
   */
  async refused(): Promise<boolean> {
    const refused = this.current;
    this.current = null;
    this.stop();
    if (++this.refusals > 1 || !this.hasToken) return false;
    const token = await this.ask();
    if (token === null || token === refused) return false;
    this.current = token;
    return true;
  }

  /**
   * The server has answered a token. Calls `send` with a newer token before this one expires. `expiresAt` and `serverNow`
   * are milliseconds since the epoch by the server's clock.
   */
  keepRenewed(expiresAt: number | undefined, serverNow: () => number, send: (token: string) => void): void {
    this.stop();
    if (expiresAt === undefined || !this.hasToken) return;
    const renew = async (): Promise<void> => {
      const timer = this.timer;
      const token = await this.ask();
      // The connection may have ended meanwhile.
      if (timer !== this.timer) return;
      if (token === null || token === this.current) plan();
      else send((this.current = token));
    };
    const plan = (): void => {
      const left = expiresAt - serverNow();
      const wait = Math.max(SHORTEST_PAUSE_MS, 0.8 * left, left - LATEST_RENEWAL_MS);
      this.timer = setTimeout(() => void renew(), Math.min(wait, LONGEST_TIMER_MS));
    };
    this.timer = setTimeout(plan, SHORTEST_PAUSE_MS);
  }

  /** Ends `keepRenewed`. */
  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** Returns `fetch` with the token in the header of each request. */
  authorized(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
    if (!this.hasToken) return fetch;
    return async (url, options = {}) => {
      const token = await this.token();
      if (token === null) return fetch(url, options);
      const headers = new Headers(options.headers);
      headers.set("Authorization", `Bearer ${token}`);
      // A cookie that has expired would be refused, although the token is good.
      return fetch(url, { ...options, headers, credentials: "omit" });
    };
  }

  /** Several requests at the same time ask only once. */
  private ask(): Promise<string | null> {
    const { getToken } = this;
    if (getToken === undefined) return Promise.resolve(null);
    this.asking ??= withDeadline(getToken).finally(() => {
      this.asking = null;
    });
    return this.asking;
  }
}

async function withDeadline(getToken: GetToken): Promise<string | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ASK_DEADLINE_MS);
  });
  try {
    const token = await Promise.race([Promise.resolve().then(getToken), late]);
    return typeof token === "string" && token !== "" ? token : null;
  } catch {
    // Without a token, the server says what it wants.
    return null;
  } finally {
    clearTimeout(timer);
  }
}
