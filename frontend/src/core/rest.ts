/** Requests to the REST interface for access: sessions, keys, users and links. */

import { apiUrl } from "./address.js";
import { isFiniteNumber, isObject, parseObject } from "./protocol.js";

/** What the person may do, by action: camera ids, patterns or groups. */
export type Actions = Readonly<Record<string, readonly string[]>>;

/** Who this page is for the server. */
export interface SessionInfo {
  readonly name: string;
  /** How this was proved, for example `key`, `user` or `link`; `open` if the server asks nobody. */
  readonly kind: string;
  readonly actions: Actions;
  /** Milliseconds by the server's clock; null if the access does not end. */
  readonly expiresAt: number | null;
  readonly open: boolean;
}

/** The server refused a request, or did not answer: then `status` is 0. */
export class RequestError extends Error {
  override name = "RequestError";

  constructor(
    readonly status: number,
    /** What the server said; empty if it said nothing. */
    readonly reason: string,
    readonly code: string,
    /** Seconds until the server wants to be asked again; null if it does not say so. */
    readonly retryAfter: number | null,
  ) {
    super(reason === "" ? `the server answered with status ${status}` : reason);
  }
}

const DEADLINE_MS = 20_000;

export class AccessApi {
  constructor(
    private readonly base: URL,
    private readonly fetch: typeof globalThis.fetch = (url, options) => globalThis.fetch(url, options),
  ) {}

  async session(): Promise<SessionInfo> {
    return readSession(await this.ask("GET", "session"));
  }

  async signIn(credentials: { user: string; password: string } | { key: string }): Promise<SessionInfo> {
    return readSession(await this.ask("POST", "session", credentials));
  }

  async signOut(): Promise<void> {
    await this.ask("DELETE", "session");
  }

  /** Sends a request to `/api/PATH`. Throws RequestError if the answer is no success. */
  async ask(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    let response: Response;
    try {
      response = await this.fetch(apiUrl(this.base, path), {
        method,
        cache: "no-store",
        signal: AbortSignal.timeout(DEADLINE_MS),
        ...(body !== undefined && {
          body: JSON.stringify(body),
          headers: { "Content-Type": "application/json" },
        }),
      });
    } catch {
      throw new RequestError(0, "", "", null);
    }
    const answer = parseObject(await response.text().catch(() => "")) ?? {};
    if (response.ok) return answer;
    const after = Number(response.headers.get("Retry-After") ?? Number.NaN);
    throw new RequestError(
      response.status,
      typeof answer.error === "string" ? answer.error : "",
      typeof answer.code === "string" ? answer.code : "",
      Number.isFinite(after) ? after : null,
    );
  }
}

function readSession(fields: Record<string, unknown>): SessionInfo {
  return {
    name: typeof fields.name === "string" ? fields.name : "",
    kind: typeof fields.kind === "string" ? fields.kind : "",
    actions: readActions(fields.actions),
    expiresAt: isFiniteNumber(fields.expiresAt) ? fields.expiresAt : null,
    open: fields.open === true,
  };
}

/** Reads the actions that a principal, a key or a user has. */
export function readActions(value: unknown): Actions {
  if (!isObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).map(([action, targets]) => [
      action,
      Array.isArray(targets) ? targets.filter((target) => typeof target === "string") : [],
    ]),
  );
}
