// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from "vitest";
import { envelope, FakeSocket } from "../fakes.js";

const sockets: FakeSocket[] = [];

beforeEach(async () => {
  sockets.length = 0;
  vi.stubGlobal("Worker", undefined);
  vi.stubGlobal(
    "WebSocket",
    class extends FakeSocket {
      constructor(url: string, protocols?: string[]) {
        super(url, protocols);
        sockets.push(this);
      }
    },
  );
  await import("../../src/element/index.js");
});

async function show(attributes: Record<string, string>): Promise<HTMLElementTagNameMap["skysentry-viewer"]> {
  const element = document.createElement("skysentry-viewer");
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  document.body.append(element);
  await Promise.resolve();
  return element;
}

const caption = (element: HTMLElement) => element.shadowRoot?.querySelector("p")?.textContent;

describe("<skysentry-viewer>", () => {
  it("shows one camera of one server, on one connection", async () => {
    const element = await show({ server: "https://host/cams/", client: "a" });
    expect(sockets.map(({ url }) => url)).toEqual(["wss://host/cams/stream/ws?client=a"]);
    sockets[0]?.accept();
    sockets[0]?.text({ type: "clients", clients: [{ clientId: "a", online: true }] });
    expect(element.getAttribute("status")).toBe("waiting");
    sockets[0]?.binary(envelope("a", 1));
    await expect(element.snapshot()).resolves.toBeInstanceOf(Blob);
    sockets[0]?.text({ type: "client-disconnected", clientId: "a" });
    expect(element.getAttribute("status")).toBe("offline");
    expect(caption(element)).toBe("The camera is offline");
    sockets[0]?.text({ type: "client-disconnected", clientId: "a", removed: true });
    expect(element.getAttribute("status")).toBe("unknown");
    expect(caption(element)).toBe("The server does not know this camera");
    element.remove();
    await Promise.resolve();
    expect(sockets[0]?.readyState).toBe(3);
    await expect(element.snapshot()).resolves.toBeNull();
  });

  it("reconnects when an attribute changes", async () => {
    const element = await show({ server: "https://host/", client: "a" });
    element.setAttribute("client", "b");
    await Promise.resolve();
    expect(sockets.map(({ url }) => url)).toEqual([
      "wss://host/stream/ws?client=a",
      "wss://host/stream/ws?client=b",
    ]);
    expect(sockets[0]?.readyState).toBe(3);
    element.remove();
  });

  it("speaks the language of its attribute, or of the document", async () => {
    expect(caption(await show({ language: "de" }))).toContain("fehlt");
    document.documentElement.lang = "de-AT";
    expect(caption(await show({}))).toContain("fehlt");
    expect(caption(await show({ language: "en" }))).toContain("missing");
    document.documentElement.removeAttribute("lang");
  });

  it("shows what is wrong with its attributes", async () => {
    expect(caption(await show({}))).toContain("client");
    expect(caption(await show({ client: "a", server: "ftp://host" }))).toContain("server");
    expect(sockets).toHaveLength(0);
  });

  it("says that the server refuses pages of this origin, and how to allow them", async () => {
    vi.useFakeTimers();
    vi.stubGlobal("fetch", (_: string, options?: RequestInit) =>
      options?.mode === "no-cors" ? Promise.resolve(new Response()) : Promise.reject(new TypeError("CORS")),
    );
    const element = await show({ server: "https://host/", client: "a" });
    await vi.advanceTimersByTimeAsync(2500);
    expect(caption(element)).toContain("The server refuses pages from this address");
    expect(caption(element)).toContain("--cors-origin");
    element.remove();
    vi.useRealTimers();
  });
});
