// @vitest-environment happy-dom
import { act } from "react";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { CameraSnapshot } from "../../src/core/viewer/camera.js";
import type { PlaybackState } from "../../src/core/viewer/playback.js";
import { ENGLISH } from "../../src/core/words/words.js";
import { CameraGrid } from "../../src/react/camera-grid.js";
import { cameraSnapshot, fakeControls, fakeViewer } from "./fake-viewer.js";
import { mountForEach, render } from "./mounting.js";

const NOW = new Date(2026, 10, 29, 14, 0).getTime();
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

beforeAll(async () => {
  // So that it is there as soon as a page asks for it.
  await import("../../src/react/history-parts.js");
});
beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});
mountForEach();

const iso = (at: number) => new Date(at).toISOString();
/** A camera that has been recorded for three days, with an hour without frames that ended half an hour ago. */
const EXTENT: PlaybackState = {
  live: true,
  speed: 1,
  sequence: 80,
  at: NOW,
  oldestAt: NOW - 3 * DAY,
  newestAt: NOW,
  ringOldestAt: NOW - 60_000,
};
const PAUSED: PlaybackState = { ...EXTENT, live: false, speed: 0, sequence: 40, at: NOW - 20 * 60_000 };
const SPANS: [number, number][] = [
  [NOW - 3 * DAY, NOW - 90 * 60_000],
  [NOW - 30 * 60_000, NOW],
];

function answer(url: URL, method: string): unknown {
  const seconds = (key: string) => Number(url.searchParams.get(key)) * 1000;
  const person = {
    id: "e1",
    label: "person",
    source: "api",
    begin: iso(NOW - 10 * 60_000),
    end: iso(NOW - 9 * 60_000),
  };
  if (url.pathname.endsWith("/session")) return { name: "ann", actions: { admin: ["*"] } };
  if (url.pathname.endsWith("/events"))
    return { events: [person].filter(({ end }) => Date.parse(end) >= seconds("from")), more: false };
  if (url.pathname.endsWith("/exports"))
    return { id: "x", state: "ready", bytes: 5e6, url: "api/exports/x/file", name: "a.zip" };
  if (method !== "GET") return {};
  const buckets = Number(url.searchParams.get("buckets") ?? 0);
  const [from, to] = [seconds("from"), seconds("to")];
  const part = (to - from) / buckets;
  return {
    spans: buckets > 0 ? [] : SPANS.map(([begin, end]) => ({ begin: iso(begin), end: iso(end) })),
    coverage:
      buckets > 0
        ? Array.from({ length: buckets }, (_, index) =>
            SPANS.some(([begin, end]) => begin < from + (index + 1) * part && end > from + index * part)
              ? 1
              : 0,
          )
        : null,
    protected: [{ begin: iso(NOW - 5 * 60_000), end: iso(NOW - 4 * 60_000) }],
    events: [person],
  };
}

async function build(change: Partial<CameraSnapshot> = {}) {
  const requests: unknown[] = [];
  const asked: string[] = [];
  const jumps: number[] = [];
  const { viewer, update } = fakeViewer([], {
    ...fakeControls(requests),
    request: (input, options) => {
      const url = new URL(input as string);
      asked.push(`${options?.method ?? "GET"} ${url.pathname}`);
      return Promise.resolve(new Response(JSON.stringify(answer(url, options?.method ?? "GET"))));
    },
  });
  const show = async (after: Partial<CameraSnapshot> = {}) => {
    update({ cameras: [cameraSnapshot("a", { name: "Door", playback: EXTENT, ...after })] });
    await pass(500);
  };
  render(<CameraGrid viewer={viewer} opened="a" onJump={(at) => jumps.push(at)} />);
  await show(change);
  await vi.waitFor(async () => {
    await pass(200);
    expect(document.querySelector(".sky-timeline__covered")).not.toBeNull();
  });
  const requested = async () => {
    await pass(100);
    return requests.splice(0).filter((one) => one !== "live" && one !== "describe");
  };
  await requested();
  return { show, requested, asked, jumps };
}

const pass = (milliseconds: number) => act(() => vi.advanceTimersByTimeAsync(milliseconds));
const find = (words: string) =>
  [...document.querySelectorAll<HTMLElement>("button")].find(
    (button) =>
      button.textContent.includes(words) || (button.getAttribute("aria-label") ?? "").includes(words),
  );
const click = async (words: string) => {
  act(() => find(words)?.click());
  await pass(0);
};
const press = async (key: string, shiftKey = false) => {
  act(
    () =>
      void document
        .querySelector(".sky-view")
        ?.dispatchEvent(new KeyboardEvent("keydown", { key, shiftKey, bubbles: true, cancelable: true })),
  );
  await pass(0);
};
const position = () => document.querySelector<HTMLInputElement>('input[type="range"]');
const slide = (value: number) =>
  act(() => {
    const range = position();
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")?.set?.call(range, String(value));
    range?.dispatchEvent(new Event("input", { bubbles: true }));
  });
const caption = (clientX: number) => {
  const track = document.querySelector<HTMLElement>(".sky-timeline__track");
  if (!track) throw new Error("there is no timeline");
  vi.spyOn(track, "getBoundingClientRect").mockReturnValue(new DOMRect(0, 0, 1200, 38));
  act(() => void track.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, clientX })));
  return document.querySelector("figcaption")?.textContent;
};

describe("the timeline of a camera that is recorded", () => {
  it("shows the last hour, where nothing was recorded, what is protected, and what happened", async () => {
    await build();
    expect([Number(position()?.min), Number(position()?.max)]).toEqual([-HOUR, 0]);
    const covered = [...document.querySelectorAll<HTMLElement>(".sky-timeline__covered")];
    expect(covered.map(({ style }) => style.left)).toEqual(["50.000%"]);
    expect(document.querySelector<HTMLElement>(".sky-timeline__kept")?.style.left).toBe("91.667%");
    expect(document.querySelector(".sky-timeline__label")?.textContent).toBe("person");
    expect(caption(1010)).toBe(`${ENGLISH.format.clock(NOW - 9.5 * 60_000)} · person`);
    expect(caption(300)).toBe(`${ENGLISH.format.clock(NOW - 45 * 60_000)} · nothing recorded`);
    expect(document.querySelector(".sky-timeline__preview img")).toBeNull();
  });

  it("asks for nothing, and offers nothing, if the server records nothing", async () => {
    const { viewer, update } = fakeViewer([], fakeControls());
    const { ringOldestAt: _, ...inMemory } = EXTENT;
    render(<CameraGrid viewer={viewer} opened="a" />);
    update({ cameras: [cameraSnapshot("a", { playback: inMemory })] });
    await pass(1000);
    expect(find("Choose a day")).toBeUndefined();
    expect(document.querySelector(".sky-timeline")?.getAttribute("data-recorded")).toBe("false");
  });

  it("leads a hand in a gap to the nearest picture, and ten seconds forward over the gap", async () => {
    const { show, requested } = await build();
    slide(-40 * 60_000);
    expect(await requested()).toEqual([[{ at: NOW - 30 * 60_000 }, 0]]);
    await show({ playback: { ...PAUSED, at: NOW - 90 * 60_000 } });
    await press("ArrowRight");
    expect(await requested()).toEqual([[{ at: NOW - 30 * 60_000 }, 0]]);
    await press("ArrowLeft");
    expect(await requested()).toEqual([[{ at: NOW - 90 * 60_000 - 10_000 }, 0]]);
  });

  it("goes to another day with a calendar, to which Back returns", async () => {
    const { requested, jumps } = await build();
    await click("Choose a day");
    await pass(100);
    const day = (label: string) =>
      find(`${ENGLISH.format.day(new Date(2026, 10, Number(label)).getTime())}, `);
    expect(day("29")?.getAttribute("aria-current")).toBe("date");
    expect(day("28")?.getAttribute("aria-label")).toContain("24 h 0 min recorded");
    expect((day("20") as HTMLButtonElement).disabled).toBe(true);
    act(() => day("27")?.click());
    const there = new Date(2026, 10, 27, 14).getTime();
    expect(await requested()).toEqual([[{ at: there }, 0]]);
    expect(jumps).toEqual([there]);
    expect(Number(position()?.max) - Number(position()?.min)).toBe(DAY);
    expect(document.querySelector(".sky-calendar")).toBeNull();
  });

  it("looks at other months as far as there are recordings", async () => {
    await build();
    await click("Choose a day");
    expect((find("Next month") as HTMLButtonElement).disabled).toBe(true);
    expect((find("Previous month") as HTMLButtonElement).disabled).toBe(true);
    await press("Escape");
    act(
      () =>
        void document
          .querySelector(".sky-days button")
          ?.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true, cancelable: true })),
    );
    expect(document.querySelector(".sky-calendar")).toBeNull();
  });

  it("jumps from event to event, and says which one it is", async () => {
    const { show, requested, jumps } = await build();
    await press("E", true);
    expect(await requested()).toEqual([[{ at: NOW - 10 * 60_000 }, 1]]);
    expect(jumps).toEqual([NOW - 10 * 60_000]);
    expect(document.querySelector(".sky-events__said")?.textContent).toContain("person");
    await show({ playback: { ...PAUSED, at: NOW - 10 * 60_000 - 800 } });
    await press("e");
    expect(await requested()).toEqual([]);
    expect(document.querySelector(".sky-events__said")?.textContent).toBe("There is no later event");
  });

  it("protects and exports a part of it", async () => {
    const saved: string[] = [];
    vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
      saved.push(`${this.href} ${this.download}`);
    });
    const { show, asked } = await build();
    await show({ playback: PAUSED });
    await press("[");
    expect(document.querySelector('[data-figure="clip"]')?.textContent).toBe("10.0 s");
    await click("Protect");
    expect(asked).toContain("POST /api/clients/a/history/protected");
    await click("Export");
    await pass(100);
    expect(asked).toContain("POST /api/exports");
    expect(saved).toEqual(["http://server/api/exports/x/file a.zip"]);
    expect(find("Save the export, 5.0 MB")).not.toBeUndefined();
  });

  it("goes where Back and Forward lead", async () => {
    const { viewer, update } = fakeViewer([], fakeControls());
    const requests: unknown[] = [];
    const other = {
      ...viewer,
      controls: { ...fakeControls(requests), request: () => new Promise<Response>(() => undefined) },
    };
    const page = (at: number | null, visit: number) =>
      render(<CameraGrid viewer={other} opened="a" openedAt={at} visit={visit} />);
    page(NOW - DAY, 0);
    update({ cameras: [cameraSnapshot("a", { playback: EXTENT })] });
    await pass(200);
    page(NOW - HOUR, 0);
    await pass(200);
    page(NOW - 2 * DAY, 1);
    await pass(200);
    page(null, 2);
    await pass(200);
    const seeks = requests.filter((one) => one !== "describe");
    expect(seeks.filter((one) => one !== "live")).toEqual([
      [{ at: NOW - DAY }, 0],
      [{ at: NOW - 2 * DAY }, 0],
    ]);
    expect(seeks.at(-1)).toBe("live");
  });
});
