/** Builds the addresses of a server's endpoints from the address that a person enters. */

/**
 * Returns the address of the folder with all endpoints; it ends in `/`.
 *
 * `server` is an http, https, ws or wss address. It may have a path prefix, may be the address of a WebSocket endpoint,
 * and may be relative to `page`. If it is left out, the address is that of the server that served the page. Throws
 * TypeError for any other address.
 *
 * A signed link in the address, `?link=TOKEN`, stays: all addresses below pass it on.
 */
export function serverBase(server: string | undefined, page: string): URL {
  if (server === undefined || server.trim() === "") return endpoint(new URL(page), ".");
  const url = new URL(server.trim(), page);
  url.protocol = url.protocol.replace(/^ws/, "http");
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new TypeError(`expected a server address with http, https, ws or wss, got ${url.protocol}`);
  }
  const link = url.searchParams.get("link");
  url.search = "";
  if (link !== null) url.searchParams.set("link", link);
  url.hash = "";
  url.pathname = url.pathname.replace(/\/(stream\/)?ws\/?$/, "").replace(/\/*$/, "/");
  return url;
}

export function captureSocketUrl(base: URL): string {
  return socketUrl(endpoint(base, "ws"));
}

/** `cameras` has the ids to ask for; empty means all. `maxFps` is the highest frame rate of each camera. */
export function viewerSocketUrl(base: URL, cameras: readonly string[], maxFps?: number): string {
  const url = endpoint(base, "stream/ws");
  for (const id of cameras) url.searchParams.append("client", id);
  if (maxFps !== undefined) url.searchParams.set("maxFps", String(maxFps));
  return socketUrl(url);
}

/** The page that shows one camera. */
export function watchPageUrl(base: URL, cameraId: string): string {
  const url = new URL("./", base);
  url.searchParams.set("client", cameraId);
  return url.href;
}

export function cameraListUrl(base: URL): string {
  return endpoint(base, "api/clients").href;
}

/** An address of the REST interface; `path` may have a query. */
export function apiUrl(base: URL, path: string): string {
  return endpoint(base, `api/${path}`).href;
}

export function healthUrl(base: URL): string {
  return new URL("api/health", base).href;
}

/** The address at which a camera posts frames over plain HTTP. */
export function framesUrl(base: URL, cameraId: string): string {
  return endpoint(base, `api/clients/${encodeURIComponent(cameraId)}/frames`).href;
}

export function snapshotUrl(base: URL, cameraId: string): string {
  return endpoint(base, `api/clients/${encodeURIComponent(cameraId)}/latest.jpg`).href;
}

/** `at` is in milliseconds since the epoch by the server's clock. */
export function frameUrl(base: URL, cameraId: string, at: number): string {
  const url = new URL(snapshotUrl(base, cameraId));
  url.searchParams.set("at", (at / 1000).toFixed(3));
  return url.href;
}

/** `from` and `to` are milliseconds since the epoch by the server's clock. */
export function clipUrl(base: URL, cameraId: string, from: number, to: number, format: string): string {
  const url = endpoint(base, `api/clients/${encodeURIComponent(cameraId)}/clip`);
  // Rounded outwards to whole milliseconds, so that the clip includes the frames at both ends.
  url.searchParams.set("from", new Date(Math.floor(from)).toISOString());
  url.searchParams.set("to", new Date(Math.ceil(to)).toISOString());
  url.searchParams.set("format", format);
  return url.href;
}

/** Returns an address at the server, with the signed link of `base` if it has one. */
function endpoint(base: URL, path: string): URL {
  const url = new URL(path, base);
  const link = base.searchParams.get("link");
  if (link !== null) url.searchParams.set("link", link);
  return url;
}

function socketUrl(url: URL): string {
  url.protocol = url.protocol.replace(/^http/, "ws");
  return url.href;
}
