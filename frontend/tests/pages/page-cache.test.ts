import { describe, expect, it, vi } from "vitest";
import { PageCache, type Build } from "../../src/pages/page-cache.js";

const SCOPE = "https://cams.example/prefix/";
const BUILD: Build = { version: "2", files: ["assets/index-2.js", "assets/index-2.css"] };

/** The caches of one browser; only what the code under test uses. */
class FakeCaches {
  readonly kept = new Map<string, Map<string, Response>>();

  open(name: string): Promise<Cache> {
    const cache = this.kept.get(name) ?? new Map<string, Response>();
    this.kept.set(name, cache);
    const fake = {
      put: (url: string, response: Response) => Promise.resolve(void cache.set(url, response)),
      match: (url: string) => Promise.resolve(cache.get(url)?.clone()),
    };
    return Promise.resolve(fake as unknown as Cache);
  }

  match(url: string): Promise<Response | undefined> {
    const found = [...this.kept.values()].map((cache) => cache.get(url)).find((one) => one !== undefined);
    return Promise.resolve(found?.clone());
  }

  keys = (): Promise<string[]> => Promise.resolve([...this.kept.keys()]);
  delete = (name: string): Promise<boolean> => Promise.resolve(this.kept.delete(name));
}

type Answer = (url: string, options?: RequestInit) => Response | Promise<Response>;

function cacheOf(answer: Answer, build = BUILD, caches = new FakeCaches()) {
  const get = vi.fn((asked: string | Request, options?: RequestInit) =>
    Promise.resolve(answer(typeof asked === "string" ? asked : asked.url, options)),
  );
  const pages = new PageCache(
    SCOPE,
    build,
    caches as unknown as CacheStorage,
    get as unknown as typeof fetch,
  );
  return { pages, caches, get };
}

const ask = (path: string, mode = "navigate", method = "GET") =>
  ({ url: new URL(path, SCOPE).href, mode, method }) as Request;
const unreachable = (): Promise<Response> => Promise.reject(new TypeError("Failed to fetch"));
const textOf = async (answer: Promise<Response> | null) => (await answer)?.text();

/** A cache that holds a build, and then finds the server as `answer` says. */
async function filled(answer: Answer) {
  const server = { answer: (url: string): Response | Promise<Response> => new Response(`kept ${url}`) };
  const made = cacheOf((url) => server.answer(url));
  await made.pages.fill();
  server.answer = answer;
  return made;
}

describe("the kept pages", () => {
  it("are the two pages and all assets, and no page of a proxy that asks people to sign in", async () => {
    const { pages, caches, get } = cacheOf((url) => new Response(url));
    await pages.fill();
    const [kept] = caches.kept.values();
    const paths = [...(kept?.keys() ?? [])].map((url) => url.slice(SCOPE.length));
    expect(paths.sort()).toEqual(["", "assets/index-2.css", "assets/index-2.js", "capture"]);
    expect(get.mock.calls.every(([, options]) => options?.redirect === "error")).toBe(true);
  });

  it("are not kept in part", async () => {
    const { pages } = cacheOf((url) => new Response("", { status: url.endsWith(".css") ? 404 : 200 }));
    await expect(pages.fill()).rejects.toThrow("expected status 200 for /assets/index-2.css, got 404");
  });

  it("are asked for at the server first, so that a new build is shown at once", async () => {
    const { pages } = await filled(() => new Response("new"));
    expect(await textOf(pages.answer(ask("capture?autostart=1")))).toBe("new");
  });

  it("open while the server, or the proxy before it, does not answer", async () => {
    const { pages } = await filled(unreachable);
    expect(await textOf(pages.answer(ask("capture?id=a")))).toBe(`kept ${SCOPE}capture`);
    expect(await textOf(pages.answer(ask("?view=a")))).toBe(`kept ${SCOPE}`);
    expect(await textOf(pages.answer(ask("stream")))).toBe(`kept ${SCOPE}`);
    const behind = await filled(() => new Response("Bad Gateway", { status: 502 }));
    expect(await textOf(behind.pages.answer(ask("")))).toBe(`kept ${SCOPE}`);
  });

  it("open after five seconds without an answer", async () => {
    vi.useFakeTimers();
    const { pages } = await filled(() => new Promise(() => undefined));
    const opened = textOf(pages.answer(ask("")));
    await vi.advanceTimersByTimeAsync(5000);
    expect(await opened).toBe(`kept ${SCOPE}`);
    vi.useRealTimers();
  });

  it("do not hide what the server says to a person who has to sign in", async () => {
    const { pages } = await filled(() => new Response("please sign in", { status: 401 }));
    expect((await pages.answer(ask("")))?.status).toBe(401);
  });

  it("fail as usual where nothing is kept", async () => {
    const { pages } = cacheOf(unreachable);
    await expect(pages.answer(ask(""))).rejects.toThrow("Failed to fetch");
  });

  it("leave everything else to the browser", async () => {
    const { pages } = await filled(unreachable);
    const others = [
      ask("?link=abc"),
      ask("?action=stream&client=a"),
      ask("admin"),
      ask("sign-in"),
      ask("api/clients/a/latest.jpg"),
      ask("api/clients", "cors"),
      ask("stream?client=a", "no-cors"),
      ask("api/clients/a/latest.jpg", "no-cors"),
      ask("capture", "navigate", "POST"),
      ask("service-worker.js", "same-origin"),
      ask("../assets/index-2.js", "cors"),
      ask("https://elsewhere.example/prefix/assets/index-2.js", "cors"),
    ];
    expect(others.map((request) => pages.answer(request))).toEqual(others.map(() => null));
  });
});

describe("the assets", () => {
  it("come from the cache if they are there, and from the server otherwise", async () => {
    const { pages } = await filled((url) => new Response(`asked ${url}`));
    const load = (path: string) => textOf(pages.answer(ask(path, "cors")));
    expect(await load("assets/index-2.js")).toBe(`kept ${SCOPE}assets/index-2.js`);
    expect(await load("assets/index-3.js")).toBe(`asked ${SCOPE}assets/index-3.js`);
  });

  it("of the build before stay, for pages that are still open; older ones go", async () => {
    const caches = new FakeCaches();
    const other = `skysentry ${SCOPE}other/ 1`;
    await caches.open(other);
    for (const version of ["1", "2", "3"]) {
      const { pages } = cacheOf(
        (url) => new Response(url),
        { version, files: [`assets/a-${version}.js`] },
        caches,
      );
      await pages.fill();
      await pages.forgetOldBuilds();
    }
    expect(await caches.keys()).toEqual([other, `skysentry ${SCOPE} 2`, `skysentry ${SCOPE} 3`]);
    const { pages } = cacheOf(unreachable, { version: "3", files: [] }, caches);
    expect(await textOf(pages.answer(ask("assets/a-2.js", "cors")))).toBe(`${SCOPE}assets/a-2.js`);
  });
});
