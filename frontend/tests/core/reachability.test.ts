import { describe, expect, it } from "vitest";
import { whyRefused } from "../../src/core/reachability.js";

const OWN = "http://host";

/** Answers each request by its method and mode; null is no answer. */
function server(answers: Record<string, Response | null>) {
  const asked: string[] = [];
  const get = (url: unknown, options: RequestInit = {}) => {
    const key = options.mode === "no-cors" ? "opaque" : (options.method ?? "GET");
    asked.push(`${key} ${String(url)}`);
    const answer = answers[key];
    return answer ? Promise.resolve(answer) : Promise.reject(new TypeError("Failed to fetch"));
  };
  return { get: get as typeof fetch, asked };
}

const why = (answers: Record<string, Response | null>, page = OWN) =>
  whyRefused(new URL("http://host/cams/"), "door", page, server(answers).get);

const status = (code: number, body: object = {}) => new Response(JSON.stringify(body), { status: code });

describe("why there is no WebSocket", () => {
  it("asks the server's health and then posts nothing, below the path prefix", async () => {
    const { get, asked } = server({ GET: status(200), POST: status(415) });
    await whyRefused(new URL("http://host/cams/"), "a.b", OWN, get);
    expect(asked).toEqual([
      "GET http://host/cams/api/health",
      "POST http://host/cams/api/clients/a.b/frames",
    ]);
  });

  it("is unknown if nothing answers, or if the server is not ready", async () => {
    expect(await why({})).toBeNull();
    expect(await why({ GET: status(503) })).toBeNull();
    expect(await why({ GET: status(502) })).toBeNull();
    expect(await why({ GET: status(200) })).toBeNull();
    expect(await why({}, "http://other")).toBeNull();
  });

  it.each([401, 403, 404])("is the status %i of a proxy", async (code) => {
    expect(await why({ GET: status(code) })).toEqual({ kind: "http-refused", status: code });
  });

  it("is a redirect, which no WebSocket follows", async () => {
    const redirect = Object.defineProperty(new Response(), "type", { value: "opaqueredirect" });
    expect(await why({ GET: redirect })).toEqual({ kind: "http-refused", status: 302 });
  });

  it("is the origin, whether the server is the page's own or another one", async () => {
    const refusal = status(403, { success: false, error: "pages of http://host may not send pictures here" });
    expect(await why({ GET: status(200), POST: refusal })).toEqual({ kind: "origin-refused", origin: OWN });
    expect(await why({ opaque: new Response() }, "http://other")).toEqual({
      kind: "origin-refused",
      origin: "http://other",
    });
    expect(await why({ GET: status(200), POST: new Response("no", { status: 403 }) })).toEqual({
      kind: "http-refused",
      status: 403,
    });
  });

  it.each([
    [401, "unauthenticated"],
    [403, "forbidden"],
  ])("is the server that refuses access, with status %i", async (code, word) => {
    const refusal = status(code, { success: false, error: "no", code: word });
    expect(await why({ GET: status(200), POST: refusal })).toEqual({
      kind: "access-refused",
      code: word,
      reason: "no",
    });
  });

  it("is something on the way that lets no WebSocket through", async () => {
    expect(await why({ GET: status(200), POST: status(415) })).toEqual({ kind: "websocket-blocked" });
  });
});
