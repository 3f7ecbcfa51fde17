/**
 * Keeps one build of the pages in the browser, so that they open while the server cannot be reached. It keeps the pages
 * and their assets, and nothing else: no answer of the API and no frame.
 */

export interface Build {
  /** Differs between any two builds. */
  readonly version: string;
  /** The assets, as paths below the scope. */
  readonly files: readonly string[];
}

/** How long a page waits for the server before it opens from the cache. */
const DEADLINE_MS = 5000;
/** A proxy answers so while the server behind it does not. */
const UNREACHABLE = new Set([502, 503, 504]);
/** For each path at which a page is: the path below which that page is kept. */
const SHELLS: ReadonlyMap<string, string> = new Map([
  ["", ""],
  ["stream", ""],
  ["capture", "capture"],
]);
/** With these in its address, a page is not only a page: a link is exchanged for a cookie, and an action is a stream. */
const NOT_ONLY_A_PAGE = ["link", "action"];
/** The names of other apps on this origin, also of this one below another path, do not begin so. */
const prefixOf = (scope: string): string => `skysentry ${scope} `;

export class PageCache {
  private readonly name: string;

  constructor(
    /** Address of the folder with the pages; it ends in `/`. */
    private readonly scope: string,
    private readonly build: Build,
    private readonly caches: CacheStorage,
    private readonly get: typeof fetch,
  ) {
    this.name = prefixOf(scope) + build.version;
  }

  /** Loads the whole build; rejects if a part of it cannot be had. */
  async fill(): Promise<void> {
    const cache = await this.caches.open(this.name);
    const shells = new Set(SHELLS.values());
    await Promise.all([
      ...[...shells].map((path) =>
        this.keep(cache, path, { cache: "no-cache", headers: { Accept: "text/html" } }),
      ),
      ...this.build.files.map((path) => this.keep(cache, path, {})),
    ]);
  }

  /** Forgets all builds but this one and the one before, of which pages may still be open. */
  async forgetOldBuilds(): Promise<void> {
    const names = await this.caches.keys();
    const others = names.filter((name) => name.startsWith(prefixOf(this.scope)) && name !== this.name);
    await Promise.all(others.slice(0, -1).map((name) => this.caches.delete(name)));
  }

  /** Returns the answer to a page or an asset; null for everything else, which the browser then fetches as usual. */
  answer(request: Request): Promise<Response> | null {
    const url = new URL(request.url);
    const folder = new URL(this.scope);
    if (request.method !== "GET" || url.origin !== folder.origin) return null;
    if (!url.pathname.startsWith(folder.pathname)) return null;
    const path = url.pathname.slice(folder.pathname.length);
    if (request.mode === "navigate") {
      const shell = SHELLS.get(path);
      const isPage = shell !== undefined && !NOT_ONLY_A_PAGE.some((name) => url.searchParams.has(name));
      return isPage ? this.openPage(request, shell) : null;
    }
    return path.startsWith("assets/") ? this.load(request) : null;
  }

  /** Asks the server first, so that a new build is shown at once. */
  private async openPage(request: Request, shell: string): Promise<Response> {
    const asked = this.get(request);
    const answer = await Promise.race([asked.catch(() => null), afterDeadline()]);
    if (answer !== null && !UNREACHABLE.has(answer.status)) return answer;
    const cache = await this.caches.open(this.name);
    return (await cache.match(this.url(shell), { ignoreVary: true })) ?? asked;
  }

  /** The name of an asset changes with its content, so every copy of it is right. */
  private async load(request: Request): Promise<Response> {
    return (await this.caches.match(request.url, { ignoreVary: true })) ?? this.get(request);
  }

  private async keep(cache: Cache, path: string, options: RequestInit): Promise<void> {
    // A proxy that asks people to sign in redirects to another page, which is not to be kept.
    const answer = await this.get(this.url(path), { ...options, redirect: "error" });
    if (!answer.ok) throw new Error(`expected status 200 for /${path}, got ${answer.status}`);
    await cache.put(this.url(path), answer);
  }

  private url(path: string): string {
    return new URL(path, this.scope).href;
  }
}

function afterDeadline(): Promise<null> {
  return new Promise((resolve) => setTimeout(() => resolve(null), DEADLINE_MS));
}
