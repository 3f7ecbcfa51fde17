/** Where a server's endpoints are, worked out from an address a person would give. */

/**
 * The folder all endpoints hang under, always ending in `/`.
 *
 * `server` may be http(s) or ws(s), may carry a path prefix, may be one of the WebSocket addresses themselves, and may be
 * relative to `page`; left out, the server is the one that served the page. Throws TypeError for anything else.
 */
export function serverBase(server: string | undefined, page: string): URL {
  if (server === undefined || server.trim() === "") return new URL(".", page);
  const url = new URL(server.trim(), page);
  url.protocol = url.protocol.replace(/^ws/, "http");
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new TypeError(`expected a server address with http, https, ws or wss, got ${url.protocol}`);
  }
  url.search = "";
  url.hash = "";
  url.pathname = url.pathname.replace(/\/(stream\/)?ws\/?$/, "").replace(/\/*$/, "/");
  return url;
}

export function captureSocketUrl(base: URL): string {
  return socketUrl(new URL("ws", base));
}

/** `cameras`: the ids to ask for; empty means all. `maxFps`: the most frames a second of each. */
export function viewerSocketUrl(base: URL, cameras: readonly string[], maxFps?: number): string {
  const url = new URL("stream/ws", base);
  for (const id of cameras) url.searchParams.append("client", id);
  if (maxFps !== undefined) url.searchParams.set("maxFps", String(maxFps));
  return socketUrl(url);
}

export function cameraListUrl(base: URL): string {
  return new URL("api/clients", base).href;
}

export function snapshotUrl(base: URL, clientId: string): string {
  return new URL(`api/clients/${encodeURIComponent(clientId)}/latest.jpg`, base).href;
}

/** `from` and `to` are milliseconds since the epoch by the server's clock. */
export function clipUrl(base: URL, clientId: string, from: number, to: number, format: string): string {
  const url = new URL(`api/clients/${encodeURIComponent(clientId)}/clip`, base);
  // Whole milliseconds, and with them the frames at both ends.
  url.searchParams.set("from", new Date(Math.floor(from)).toISOString());
  url.searchParams.set("to", new Date(Math.ceil(to)).toISOString());
  url.searchParams.set("format", format);
  return url.href;
}

function socketUrl(url: URL): string {
  url.protocol = url.protocol.replace(/^http/, "ws");
  return url.href;
}
