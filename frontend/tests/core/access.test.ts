import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Access, readRefusal, REFUSED_WAIT_MS } from "../../src/core/access.js";
import { CaptureSession } from "../../src/core/capture/session.js";
import { DEFAULTS } from "../../src/core/capture/settings.js";
import { ViewerSession, type ViewerOptions } from "../../src/core/viewer/session.js";
import { envelope, fakeNetwork } from "../fakes.js";

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

/** Lets promises continue, without time passing. */
const settle = () => vi.advanceTimersByTimeAsync(0);

/** Returns a function that gives these tokens in turn, and then the last one for ever. */
function giving(...tokens: (string | null)[]) {
  return vi.fn(() => Promise.resolve(tokens.length > 1 ? tokens.shift() : tokens[0]));
}

describe("the token of a page", () => {
  it("is asked for once and kept until it is refused", async () => {
    const getToken = giving("a", "b");
    const access = new Access(getToken);
    expect(await Promise.all([access.token(), access.token()])).toEqual(["a", "a"]);
    expect(await access.token()).toBe("a");
    expect(getToken).toHaveBeenCalledTimes(1);
    expect(await access.refused()).toBe(true);
    expect(await access.token()).toBe("b");
  });

  it("is not tried again if it stays the same, nor is a third one at once", async () => {
    expect(await new Access(giving("a")).refused()).toBe(true);
    const same = new Access(giving("a"));
    await same.token();
    expect(await same.refused()).toBe(false);
    const eager = new Access(giving("a", "b", "c"));
    await eager.token();
    expect(await eager.refused()).toBe(true);
    expect(await eager.refused()).toBe(false);
    eager.noteSuccess();
    expect(await eager.refused()).toBe(true);
  });

  it("is none if the app has none, fails, or takes too long", async () => {
    expect(await new Access().token()).toBeNull();
    expect(await new Access(() => null).token()).toBeNull();
    expect(await new Access(() => Promise.reject(new Error("no"))).token()).toBeNull();
    const late = new Access(() => new Promise<string>(() => undefined)).token();
    await vi.advanceTimersByTimeAsync(15_000);
    expect(await late).toBeNull();
  });

  it("is in the header of requests, which then need no cookie", async () => {
    const fetch = vi.fn<typeof globalThis.fetch>(() => Promise.resolve(new Response()));
    await new Access(giving("a")).authorized(fetch)("http://host/", { headers: { "If-None-Match": "x" } });
    const [, options] = fetch.mock.calls[0] ?? [];
    expect(Object.fromEntries(new Headers(options?.headers))).toEqual({
      authorization: "Bearer a",
      "if-none-match": "x",
    });
    expect(options?.credentials).toBe("omit");
    expect(new Access().authorized(fetch)).toBe(fetch);
  });

  it("is renewed a minute before it expires, by the server's clock", async () => {
    const access = new Access(giving("a", "a", "b"));
    await access.token();
    const send = vi.fn();
    const serverNow = () => Date.now() + 5_000_000;
    access.keepRenewed(serverNow() + 600_000, serverNow, send);
    await vi.advanceTimersByTimeAsync(539_000);
    expect(send).not.toHaveBeenCalled();
    // The first answer is the same token, so the app is asked again soon.
    await vi.advanceTimersByTimeAsync(55_000);
    expect(send.mock.calls).toEqual([["b"]]);
    expect(await access.token()).toBe("b");
    access.keepRenewed(undefined, serverNow, send);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("the answer to a request without access", () => {
  it.each([
    [401, '{"error":"no key","code":"unauthenticated"}', { code: "unauthenticated", reason: "no key" }],
    [403, '{"code":"forbidden"}', { code: "forbidden", reason: "" }],
    [403, '{"error":"no","success":false}', null],
    [401, "<html>", null],
    [500, '{"code":"unauthenticated"}', null],
  ])("with status %i is read: %s", (status, body, refusal) => {
    expect(readRefusal(status, body)).toEqual(refusal);
  });
});

function viewer(options: Partial<ViewerOptions> = {}) {
  const network = fakeNetwork();
  const session = new ViewerSession({
    page: "http://host/",
    openSocket: network.open,
    fetch: () => Promise.reject(new TypeError("failed to fetch")),
    ...options,
  });
  session.start();
  return { network, session, state: () => session.snapshot.getSnapshot() };
}

describe("a viewer with a token", () => {
  it("presents the token before everything else", async () => {
    const { network, session } = viewer({ getToken: giving("a"), cameras: ["door"] });
    network.last.accept();
    expect(network.last.sent).toEqual([]);
    await settle();
    expect(network.last.sent[0]).toBe('{"type":"authenticate","token":"a"}');
    expect(network.last.sent.length).toBeGreaterThan(1);
    session.stop();
  });

  it("sends no token on a connection that has ended meanwhile", async () => {
    const { network, session } = viewer({ getToken: giving("a") });
    network.last.accept();
    network.last.drop();
    await settle();
    expect(network.last.sent).toEqual([]);
    session.stop();
  });

  it("connects at once with another token when the access ends", async () => {
    const { network, session, state } = viewer({ getToken: giving("a", "b") });
    network.last.accept();
    await settle();
    network.last.text({ type: "clients", clients: [] });
    network.last.drop(4003);
    expect(state()).toMatchObject({ link: "refused", refusal: { code: "access-ended" } });
    await settle();
    expect(network.sockets).toHaveLength(2);
    network.last.accept();
    await settle();
    expect(network.last.sent[0]).toBe('{"type":"authenticate","token":"b"}');
    network.last.text({ type: "clients", clients: [] });
    expect(state()).toMatchObject({ link: "live", refusal: null });
    session.stop();
  });

  it("is not called live by a server that only tells its time, and hears the refusal after two seconds", async () => {
    const refusal = '{"error":"a key is needed","code":"unauthenticated"}';
    const fetch = () => Promise.resolve(new Response(refusal, { status: 401 }));
    const { network, session, state } = viewer({ fetch });
    network.last.accept();
    network.last.text({ type: "clock", sentAt: Date.now(), serverAt: Date.now() });
    expect(state().link).toBe("connecting");
    await vi.advanceTimersByTimeAsync(2500);
    expect(state()).toMatchObject({ link: "refused", refusal: { code: "unauthenticated" } });
    session.stop();
  });

  it("waits a minute if it is refused and has no other token, and on request tries at once", async () => {
    const { network, session, state } = viewer();
    network.last.accept();
    network.last.text({ type: "error", error: "a key is needed", code: "unauthenticated" });
    network.last.drop(4003);
    await settle();
    expect(state().refusal).toEqual({ code: "unauthenticated", reason: "a key is needed" });
    await vi.advanceTimersByTimeAsync(REFUSED_WAIT_MS - 1000);
    expect(network.sockets).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1000);
    expect(network.sockets).toHaveLength(2);
    network.last.drop(4003);
    session.retry();
    expect(network.sockets).toHaveLength(3);
    session.stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("renews its token on the same connection", async () => {
    const { network, session } = viewer({ getToken: giving("a", "b") });
    network.last.accept();
    await settle();
    network.last.text({ type: "authenticated", name: "porch", expiresAt: Date.now() + 10_000 });
    network.last.binary(envelope("door", 1));
    await vi.advanceTimersByTimeAsync(9000);
    expect(network.last.sentMessages("authenticate").map(({ token }) => token)).toEqual(["a", "b"]);
    expect(network.sockets).toHaveLength(1);
    session.stop();
  });

  it("presents the token in each request while there is no WebSocket, and learns there that it is refused", async () => {
    const headers: (string | null)[] = [];
    const { session, state } = viewer({
      getToken: giving("a"),
      fetch: (_, options) => {
        headers.push(new Headers(options?.headers).get("Authorization"));
        const refusal = { error: "the key has expired", code: "unauthenticated" };
        return Promise.resolve(new Response(JSON.stringify(refusal), { status: 401 }));
      },
    });
    await vi.advanceTimersByTimeAsync(2100);
    expect(headers).toEqual(["Bearer a"]);
    expect(state()).toMatchObject({ link: "refused", refusal: { reason: "the key has expired" } });
    session.stop();
  });
});

function camera(options: { getToken?: () => Promise<string | null | undefined>; fetch?: typeof fetch } = {}) {
  const network = fakeNetwork();
  const session = new CaptureSession({
    settings: { ...DEFAULTS, cameraId: "door" },
    page: "http://host/capture",
    openSocket: network.open,
    openCamera: () =>
      Promise.resolve({
        stream: null,
        label: "",
        method: "",
        configure: () => undefined,
        setRate: () => undefined,
        hold: () => undefined,
        stop: () => undefined,
      }),
    ...options,
  });
  const register = async () => {
    network.last.accept();
    await settle();
    network.last.text({ type: "registration-success", clientId: "door" });
    await settle();
  };
  return { network, session, register, state: () => session.snapshot.getSnapshot() };
}

describe("a camera with a token", () => {
  it("presents the token in its registration, and renews it on the same connection", async () => {
    const { network, session, register } = camera({ getToken: giving("a", "b") });
    await session.start();
    await register();
    expect(network.last.sentMessages("client-registration")).toMatchObject([{ token: "a" }]);
    network.last.text({ type: "authenticated", name: "porch", expiresAt: Date.now() + 10_000 });
    // The server answers the clock, as it does all the time.
    for (const { sentAt } of network.last.sentMessages("clock"))
      network.last.text({ type: "clock", sentAt, serverAt: sentAt });
    await vi.advanceTimersByTimeAsync(9000);
    expect(network.last.sentMessages("authenticate").map(({ token }) => token)).toEqual(["a", "b"]);
    expect(network.sockets).toHaveLength(1);
    session.stop();
  });

  it("registers again with another token when its access ends", async () => {
    const { network, session, register, state } = camera({ getToken: giving("a", "b") });
    await session.start();
    await register();
    network.last.drop(4003);
    await settle();
    await register();
    expect(network.sockets).toHaveLength(2);
    expect(network.last.sentMessages("client-registration")).toMatchObject([{ token: "b" }]);
    expect(state()).toMatchObject({ connection: "on-air", failure: null });
    session.stop();
  });

  it("stops with the server's reason if it has no token, and a person may try again", async () => {
    const { network, session, state } = camera();
    await session.start();
    network.last.accept();
    network.last.text({ type: "registration-error", error: "a key is needed", code: "unauthenticated" });
    network.last.drop(4003);
    await vi.advanceTimersByTimeAsync(2 * REFUSED_WAIT_MS);
    expect(network.sockets).toHaveLength(1);
    expect(state()).toMatchObject({
      connection: "ended",
      failure: { kind: "access-refused", code: "unauthenticated", reason: "a key is needed" },
    });
    session.resume();
    expect(network.sockets).toHaveLength(2);
    session.stop();
  });

  it("tries again after a minute if it was accepted before", async () => {
    const { network, session, register, state } = camera();
    await session.start();
    await register();
    network.last.drop(4003);
    await settle();
    expect(state()).toMatchObject({ connection: "ended", failure: { code: "access-ended" } });
    await vi.advanceTimersByTimeAsync(REFUSED_WAIT_MS);
    expect(network.sockets).toHaveLength(2);
    session.stop();
  });

  it("finds out by a request that the handshake was refused for want of access", async () => {
    const refusal = { error: "the session has ended", code: "access-ended" };
    const { network, session, state } = camera({
      fetch: (_, options) =>
        Promise.resolve(
          options?.method === "POST"
            ? new Response(JSON.stringify(refusal), { status: 401 })
            : new Response("{}"),
        ),
    });
    await session.start();
    network.last.drop(1006);
    await settle();
    expect(state()).toMatchObject({
      connection: "ended",
      failure: { kind: "access-refused", code: "access-ended", reason: "the session has ended" },
    });
    session.stop();
  });
});
