/**
 * Finds out why a WebSocket could not be opened. The browser does not tell a page: a refusal looks like a server that
 * cannot be reached. So this asks the server over plain HTTP.
 */

import { framesUrl, healthUrl } from "./address.js";
import { readRefusal } from "./access.js";
import type { Failure } from "./failures.js";
import { parseObject } from "./protocol.js";

const DEADLINE_MS = 5000;

/** Returns why a camera is refused; null if the server cannot be reached, or is not ready. Never rejects. */
export async function whyRefused(
  base: URL,
  cameraId: string,
  origin: string,
  get: typeof fetch = fetch,
): Promise<Failure | null> {
  const found = await whyUnreadable(base, origin, get);
  if (found !== "answers") return found;
  // Browsers send the origin with a POST, but not with a GET of the own server. The server ignores the empty body.
  const post = await ask(get, framesUrl(base, cameraId), { method: "POST" });
  if (post?.status === 401 || post?.status === 403) {
    const text = await post.text().catch(() => "");
    const refusal = readRefusal(post.status, text);
    if (refusal) return { kind: "access-refused", ...refusal };
    const body = parseObject(text);
    // Our server sends JSON with `success`; a proxy does not.
    if (body?.success === false && post.status === 403) return { kind: "origin-refused", origin };
    return { kind: "http-refused", status: post.status };
  }
  return post === null ? null : { kind: "websocket-blocked" };
}

/**
 * Returns why a page cannot read the server's answers: `answers` if it can; null if the server cannot be reached, or is
 * not ready. Never rejects.
 */
export async function whyUnreadable(
  base: URL,
  origin: string,
  get: typeof fetch = fetch,
): Promise<Failure | "answers" | null> {
  const health = healthUrl(base);
  const answer = await ask(get, health, { redirect: "manual" });
  if (answer === null) {
    // If this page may not read the answer, but there is one, the server does not allow the page's origin.
    const there = base.origin !== origin && (await ask(get, health, { mode: "no-cors" }));
    return there ? { kind: "origin-refused", origin } : null;
  }
  // A redirect that is not followed has type "opaqueredirect" and status 0.
  if (answer.type === "opaqueredirect") return { kind: "http-refused", status: 302 };
  if (answer.status >= 500) return null;
  return answer.status === 200 ? "answers" : { kind: "http-refused", status: answer.status };
}

async function ask(get: typeof fetch, url: string, options: RequestInit): Promise<Response | null> {
  try {
    return await get(url, { cache: "no-store", signal: AbortSignal.timeout(DEADLINE_MS), ...options });
  } catch {
    return null;
  }
}
