import { describe, expect, it, vi } from "vitest";
import { AdminApi, readTargets } from "../../src/core/admin.js";
import { AccessApi, RequestError } from "../../src/core/rest.js";

/** A server that gives one answer to everything. */
function server(body: unknown, status = 200, headers: Record<string, string> = {}) {
  const text = status === 204 ? null : JSON.stringify(body);
  const fetch = vi.fn<typeof globalThis.fetch>(() =>
    Promise.resolve(new Response(text, { status, headers })),
  );
  const api = new AccessApi(new URL("https://host/cams/"), fetch);
  const asked = () => {
    const [url, options] = fetch.mock.calls[0] ?? [];
    const sent = options?.body;
    return [options?.method, url, typeof sent === "string" ? (JSON.parse(sent) as unknown) : undefined];
  };
  return { api, admin: new AdminApi(api), asked };
}

describe("the session of a page", () => {
  const session = {
    name: "anna",
    kind: "user",
    actions: { view: ["*", 7], x: 1 },
    expiresAt: 5,
    open: false,
  };

  it("is read, and what is unknown is left out", async () => {
    const { api, asked } = server(session);
    expect(await api.session()).toEqual({ ...session, actions: { view: ["*"], x: [] } });
    expect(asked()).toEqual(["GET", "https://host/cams/api/session", undefined]);
    expect(await server({}).api.session()).toEqual({
      name: "",
      kind: "",
      actions: {},
      expiresAt: null,
      open: false,
    });
  });

  it("begins with a password or a key, and ends", async () => {
    const { api, asked } = server(session);
    await api.signIn({ user: "anna", password: "secret" });
    expect(asked()).toEqual(["POST", "https://host/cams/api/session", { user: "anna", password: "secret" }]);
    const left = server({}, 204);
    await left.api.signOut();
    expect(left.asked()).toEqual(["DELETE", "https://host/cams/api/session", undefined]);
  });

  it("tells why it does not begin", async () => {
    const refusal = { error: "too many attempts", code: "busy" };
    const slowed = server(refusal, 503, { "Retry-After": "7" });
    await expect(slowed.api.signIn({ key: "sky_" })).rejects.toMatchObject({
      status: 503,
      reason: "too many attempts",
      code: "busy",
      retryAfter: 7,
    });
    await expect(server([], 502).api.session()).rejects.toEqual(new RequestError(502, "", "", null));
    const dead = new AccessApi(new URL("https://host/"), () => Promise.reject(new TypeError()));
    await expect(dead.session()).rejects.toMatchObject({ status: 0, retryAfter: null });
  });
});

describe("the requests of administrators", () => {
  const key = { id: "k1", name: "Porch", allow: { publish: ["porch"] }, createdAt: 1, expiresAt: null };

  it("list keys, people, connections and cameras", async () => {
    expect(await server({ keys: [key, 7] }).admin.keys()).toEqual([key]);
    expect(await server({ users: [{ name: "anna", allow: {} }] }).admin.users()).toEqual([
      { name: "anna", allow: {} },
    ]);
    const connection = { id: "1", name: "Porch", kind: "key", role: "camera", address: "::1", since: 2 };
    expect(await server({ sessions: [{ ...connection, clientId: "porch" }] }).admin.connections()).toEqual([
      { ...connection, cameraId: "porch" },
    ]);
    expect(await server({ details: [{ clientId: "porch" }] }).admin.cameraIds()).toEqual(["porch"]);
    expect(await server({}).admin.keys()).toEqual([]);
  });

  it("make keys, people and links", async () => {
    const keys = server({ ...key, key: "sky_1" }, 201);
    expect(await keys.admin.addKey("Porch", key.allow, null)).toEqual({ key: "sky_1" });
    expect(keys.asked()).toEqual([
      "POST",
      "https://host/cams/api/keys",
      { name: "Porch", allow: { publish: ["porch"] }, expiresAt: null },
    ]);
    const users = server({}, 201);
    await users.admin.addUser("anna", "secret", { view: ["*"] });
    expect(users.asked()[2]).toEqual({ name: "anna", password: "secret", allow: { view: ["*"] } });
    const links = server({ url: "https://host/?link=lnk_", token: "lnk_", expiresAt: 9 }, 201);
    expect(await links.admin.addLink("view", "door", 60, true)).toEqual({
      url: "https://host/?link=lnk_",
      expiresAt: 9,
    });
    expect(links.asked()[2]).toEqual({ action: "view", clientId: "door", expiresIn: 60, once: true });
  });

  it.each([
    ["revokeKey", "keys/a%2Fb"],
    ["removeUser", "users/a%2Fb"],
    ["endConnection", "sessions/a%2Fb"],
  ] as const)("end with %s", async (name, path) => {
    const { admin, asked } = server({}, 204);
    await admin[name]("a/b");
    expect(asked()).toEqual(["DELETE", `https://host/cams/api/${path}`, undefined]);
  });

  it.each([
    ["", ["*"]],
    [" door,  yard-*;@out door ", ["door", "yard-*", "@out"]],
  ])("are for the cameras %j", (typed, targets) => {
    expect(readTargets(typed)).toEqual(targets);
  });
});
