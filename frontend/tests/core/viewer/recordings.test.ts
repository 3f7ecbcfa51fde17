import { describe, expect, it } from "vitest";
import { Recordings } from "../../../src/core/viewer/recordings.js";

const BASE = new URL("https://cams.example/");
const NOON = Date.parse("2026-11-29T12:00:00Z");
const time = (seconds: number) => new Date(NOON + 1000 * seconds).toISOString();
const event = (id: string, begin: number, end: number | null = null) => ({
  id,
  label: id,
  source: "api",
  begin: time(begin),
  end: end === null ? null : time(end),
  data: null,
});

function build(answer: (url: URL, method: string) => unknown) {
  const asked: string[] = [];
  const recordings = new Recordings(BASE, (input, options) => {
    const url = new URL(input as string);
    asked.push(`${options?.method ?? ""} ${url.pathname}${url.search}`);
    const body = answer(url, options?.method ?? "");
    return Promise.resolve(
      typeof body === "number" ? new Response("{}", { status: body }) : new Response(JSON.stringify(body)),
    );
  });
  return { recordings, asked };
}

describe("the recordings", () => {
  it("are spans of a short past, with events and what is protected", async () => {
    const { recordings, asked } = build(() => ({
      clientId: "a",
      spans: [
        { begin: time(0), end: time(60), frames: 60, bytes: 1, protected: false },
        { begin: time(30), end: time(90), frames: 60, bytes: 1, protected: true },
        { begin: "nonsense", end: time(90) },
      ],
      protected: [{ begin: time(30), end: time(90) }],
      events: [event("person", 10, 20), event("car", 50), { id: 3 }],
      coverage: null,
      frames: 120,
      bytes: 5000,
    }));
    const past = await recordings.read("a", { from: NOON, to: NOON + 100_000 });
    expect(asked).toEqual(["GET /api/clients/a/history?from=1795953600.000&to=1795953700.000"]);
    expect(past?.covered).toEqual([{ from: NOON, to: NOON + 90_000 }]);
    expect(past?.kept).toEqual([{ from: NOON + 30_000, to: NOON + 90_000 }]);
    expect(past?.events).toEqual([
      { id: "person", cameraId: "a", label: "person", from: NOON + 10_000, to: NOON + 20_000 },
      { id: "car", cameraId: "a", label: "car", from: NOON + 50_000, to: null },
    ]);
    expect([past?.frames, past?.bytes]).toEqual([120, 5000]);
  });

  it("are counted in parts for a long past, and for each hour of a month", async () => {
    const counts = Array.from({ length: 400 }, (_, index) => (index < 100 || index === 399 ? 7 : 0));
    const { recordings, asked } = build(() => ({ spans: [], coverage: counts }));
    const past = await recordings.read("a", { from: NOON, to: NOON + 4e8 });
    expect(asked[0]).toContain("&buckets=400");
    expect(past?.covered).toEqual([
      { from: NOON, to: NOON + 1e8 },
      { from: NOON + 3.99e8, to: NOON + 4e8 },
    ]);
    await recordings.readHours("a", { from: NOON, to: NOON + 25 * 3_600_000 });
    expect(asked[1]).toContain("&buckets=25");
  });

  it("are unknown without a right, and if the server fails", async () => {
    const span = { from: NOON, to: NOON + 1000 };
    expect(await build(() => 403).recordings.read("a", span)).toBeNull();
    expect(await build(() => 404).recordings.read("a", span)).toBeNull();
    await expect(build(() => 500).recordings.read("a", span)).rejects.toThrow("500");
  });

  it("are protected and released", async () => {
    const { recordings, asked } = build(() => ({}));
    await recordings.keep("a b", { from: NOON, to: NOON + 1000 }, true);
    await recordings.keep("a", { from: NOON, to: NOON + 1000 }, false);
    expect(asked).toEqual([
      "POST /api/clients/a%20b/history/protected?from=1795953600.000&to=1795953601.000",
      "DELETE /api/clients/a/history/protected?from=1795953600.000&to=1795953601.000",
    ]);
  });
});

describe("the events", () => {
  it("that follow are found behind those that last", async () => {
    const { recordings } = build((url) =>
      url.searchParams.get("from") === "1795953600.000"
        ? { events: [event("lasts", -600, 600)], more: true }
        : { events: [event("lasts", -600, 600), event("next", 30)], more: false },
    );
    expect((await recordings.eventAfter("a", NOON))?.id).toBe("next");
    const none = build(() => ({ events: [event("lasts", -600, 600)], more: false }));
    expect(await none.recordings.eventAfter("a", NOON)).toBeNull();
  });

  it("before are looked for further and further back, and the last one counts", async () => {
    const { recordings, asked } = build((url) =>
      Number(url.searchParams.get("from")) > NOON / 1000 - 80_000
        ? { events: [], more: false }
        : { events: [event("early", -90_000), event("late", -85_000), event("now", 0)], more: false },
    );
    expect((await recordings.eventBefore("a", NOON))?.id).toBe("late");
    expect(asked).toHaveLength(2);
    expect(await build(() => ({ events: [] })).recordings.eventBefore("a", NOON)).toBeNull();
  });
});
