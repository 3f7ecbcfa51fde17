// @vitest-environment happy-dom
import { act } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { CameraSnapshot } from "../../src/core/viewer/camera.js";
import type { Painter } from "../../src/core/viewer/painter.js";
import type { Replay } from "../../src/core/viewer/replay.js";
import { CameraGrid } from "../../src/react/camera-grid.js";
import { formatBack, formatSpeed } from "../../src/react/format.js";
import { LatencyTable } from "../../src/react/latency.js";
import type { ViewerControls } from "../../src/react/use-viewer.js";
import { host, mountForEach, render } from "./mounting.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});
mountForEach();

const LIVE: Replay = { live: true, speed: 1, sequence: 80, at: 9000, oldestAt: 1000, newestAt: 9000 };
const PAUSED: Replay = { ...LIVE, live: false, speed: 0, sequence: 40, at: 4800 };
const LATENCY = { clientId: "a", frames: 30, capture: 20, server: 0.5, delivery: 27.4, total: 47.9 };

function camera(change: Partial<CameraSnapshot> = {}): CameraSnapshot {
  return {
    clientId: "a",
    name: "Door",
    status: "live",
    fps: 15,
    receivedFps: 15,
    bytesPerSecond: 182_000,
    width: 640,
    height: 480,
    age: 45,
    latency: null,
    delay: null,
    replay: LIVE,
    hasResults: false,
    dropped: 3,
    painted: 100,
    sequence: 103,
    ...change,
  };
}

const painter = {
  open: () => ({
    canvas: document.createElement("canvas"),
    snapshot: () => Promise.resolve(null),
    close: () => undefined,
  }),
} as unknown as Painter;

function build() {
  const wishes: unknown[] = [];
  const controls: ViewerControls = {
    see: () => undefined,
    seek: (_, position, speed) => wishes.push([position, speed]),
    goLive: () => wishes.push("live"),
    clipUrl: (_, from, to, format) => `clip-${from}-${to}-${format}`,
    setBoxesShown: (shown) => wishes.push(shown),
  };
  const show = (change: Partial<CameraSnapshot> = {}, boxesShown = true) =>
    render(
      <CameraGrid cameras={[camera(change)]} painter={painter} controls={controls} boxesShown={boxesShown} />,
    );
  /** What was wished for since last asked. */
  const wished = () => {
    act(() => void vi.advanceTimersByTime(100));
    return wishes.splice(0);
  };
  const open = (change: Partial<CameraSnapshot> = {}) => {
    show(change);
    act(() => host.querySelector<HTMLButtonElement>(".sky-tile__open")?.click());
    show(change);
    wished();
  };
  return { show, open, wished };
}

const tile = () => host.querySelector("article");
const press = (key: string, on: Element | null = tile()) =>
  act(() => void on?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })));
const click = (words: string) =>
  act(() =>
    [...host.querySelectorAll<HTMLElement>("button, a")]
      .find((button) => button.textContent.includes(words))
      ?.click(),
  );
const slide = (value: number) =>
  act(() => {
    const range = host.querySelector<HTMLInputElement>('input[type="range"]');
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")?.set?.call(range, String(value));
    range?.dispatchEvent(new Event("input", { bubbles: true }));
  });
const href = () => host.querySelector<HTMLAnchorElement>(".sky-timeline__save")?.getAttribute("href");

describe("the timeline", () => {
  it("is there in full size alone, asks what there is, and leaves the camera live behind", () => {
    const { show, wished } = build();
    show();
    expect(host.querySelector(".sky-timeline")).toBeNull();
    act(() => host.querySelector<HTMLButtonElement>(".sky-tile__open")?.click());
    expect(document.activeElement).toBe(tile());
    expect(wished()).toEqual(["live"]);
    act(() => void vi.advanceTimersByTime(4000));
    expect(wished()).toEqual(["live"]);
    expect(host.querySelector(".sky-timeline")?.getAttribute("aria-label")).toBe("Timeline of Door");
    press("Escape");
    expect(wished()).toEqual(["live"]);
  });

  it("is not there while the server keeps nothing or does not say", () => {
    const { open } = build();
    open({ replay: null });
    expect(host.querySelector(".sky-timeline")).toBeNull();
  });

  it("says clearly that the picture is not live, and how far back it is", () => {
    const { open, show } = build();
    open({ replay: PAUSED, latency: LATENCY });
    expect(tile()?.getAttribute("aria-label")).toBe("Door, replay");
    expect(host.querySelector(".sky-tile__replay")?.textContent).toBe("Not live · −4.2 s · paused");
    expect(host.querySelector(".sky-status")?.textContent).toBe("Replay");
    expect(host.querySelector("input")?.getAttribute("aria-valuetext")).toBe("−4.2 s from now");
    expect(host.querySelector('[data-figure="latency"]')?.textContent).toBe("–");
    show({ replay: { ...PAUSED, speed: 0.5 } });
    expect(host.querySelector(".sky-tile__replay")?.textContent).toBe("Not live · −4.2 s · ½×");
    show();
    expect(host.querySelector(".sky-tile__replay")).toBeNull();
    expect(host.querySelector("input")?.getAttribute("aria-valuetext")).toBe("live");
  });

  it("scrubs, and is live at its end", () => {
    const { open, wished } = build();
    open();
    slide(-3000);
    expect(wished()).toEqual([[{ at: 6000 }, 0]]);
    expect(host.querySelector("input")?.getAttribute("aria-valuetext")).toBe("−3.0 s from now");
    slide(0);
    expect(wished()).toEqual(["live"]);
    act(() => void vi.advanceTimersByTime(1000));
    expect(host.querySelector("input")?.getAttribute("aria-valuetext")).toBe("live");
  });

  it("pauses, plays at the chosen speed, steps, rewinds and returns by its buttons", () => {
    const { open, show, wished } = build();
    open();
    click("Pause");
    expect(wished()).toEqual([[{ sequence: 80 }, 0]]);
    show({ replay: PAUSED });
    const select = host.querySelector("select");
    act(() => {
      if (select) select.value = "0.5";
      select?.dispatchEvent(new Event("change", { bubbles: true }));
    });
    expect(wished()).toEqual([[{ sequence: 40 }, 0.5]]);
    click("Play");
    expect(wished()).toEqual([[{ sequence: 40 }, 0.5]]);
    press(" ");
    expect(wished()).toEqual([[{ sequence: 40 }, 0.5]]);
    click("One frame back");
    expect(wished()).toEqual([[{ sequence: 39 }, 0]]);
    click("One frame forward");
    expect(wished()).toEqual([[{ sequence: 40 }, 0]]);
    click("Back 5 seconds");
    expect(wished()).toEqual([[{ back: 9.2 }, 1]]);
    click("Live");
    expect(wished()).toEqual(["live"]);
  });

  it("does the same by keys", () => {
    const { open, show, wished } = build();
    open();
    press(" ");
    expect(wished()).toEqual([[{ sequence: 80 }, 0]]);
    show({ replay: PAUSED });
    press(" ");
    expect(wished()).toEqual([[{ sequence: 40 }, 1]]);
    press("ArrowLeft");
    expect(wished()).toEqual([[{ sequence: 39 }, 0]]);
    press(".");
    press(",");
    expect(wished().at(-1)).toEqual([{ sequence: 39 }, 0]);
    press("j");
    expect(wished()).toEqual([[{ back: 9.2 }, 1]]);
    press("L");
    expect(wished()).toEqual(["live"]);
    press(" ", host.querySelector(".sky-timeline button"));
    press("ArrowLeft", host.querySelector("select"));
    expect(wished()).toEqual([]);
    show();
    press("ArrowLeft", host.querySelector("input"));
    expect(wished()).toEqual([[{ sequence: 79 }, 0]]);
  });

  it("offers the chosen part as a film, or as pictures where the server makes no films", async () => {
    const { open, show } = build();
    open();
    expect(href()).toBe("clip-1000-9000-mkv");
    show({ replay: PAUSED });
    click("End the clip here");
    show({ replay: { ...PAUSED, at: 2000 } });
    click("Start the clip here");
    expect(href()).toBe("clip-2000-4800-mkv");
    expect(host.querySelector(".sky-timeline__length")?.textContent).toBe("2.8 s");
    vi.stubGlobal("fetch", () => Promise.resolve(new Response(null, { status: 501 })));
    const followed: string[] = [];
    vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
      followed.push(this.getAttribute("href") ?? "");
    });
    await act(async () => {
      const link = host.querySelector(".sky-timeline__save");
      link?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
      await vi.advanceTimersByTimeAsync(0);
    });
    expect(followed).toEqual(["clip-2000-4800-zip"]);
  });
});

describe("a tile", () => {
  it("tells the latency and its hops once they are known", () => {
    const { open, show } = build();
    open({ delay: 52.3 });
    const figure = () => host.querySelector('[data-figure="latency"]')?.textContent;
    expect(figure()).toBe("52 ms");
    const hops = () => host.querySelector(".sky-hops")?.textContent;
    expect(hops()).toBe("Capture to server–In the server–Server to screen–");
    show({ latency: LATENCY });
    expect(figure()).toBe("48 ms");
    expect(hops()).toBe("Capture to server20 msIn the server0.5 msServer to screen27 ms");
    expect(host.querySelector("[title^='Capture to server: 20 ms']")).not.toBeNull();
    show({ latency: { ...LATENCY, capture: null }, status: "offline" });
    expect(figure()).toBe("–");
    expect(hops()).toBe("Capture to server–In the server–Server to screen–");
  });

  it("has a switch for boxes when a program finds some", () => {
    const { open, show, wished } = build();
    open();
    expect(host.querySelector("[aria-pressed] + .x, header [aria-pressed]")).toBeNull();
    show({ hasResults: true });
    expect(host.querySelector("header [aria-pressed]")?.getAttribute("aria-pressed")).toBe("true");
    click("Boxes on the pictures");
    show({ hasResults: true }, false);
    press("b");
    expect(wished()).toEqual([false, true]);
  });
});

describe("the table of latencies", () => {
  it("has the cameras that are known, and is not there without any", () => {
    render(<LatencyTable cameras={[{ name: "Yard", latency: null }]} />);
    expect(host.textContent).toBe("");
    render(
      <LatencyTable
        cameras={[
          { name: "Yard", latency: null },
          { name: "Door", latency: { ...LATENCY, capture: null } },
        ]}
      />,
    );
    const cells = [...host.querySelectorAll("tbody th, tbody td")].map((cell) => cell.textContent);
    expect(cells).toEqual(["Door", "48 ms", "–", "0.5 ms", "27 ms"]);
  });
});

describe("words for a replay", () => {
  it("read well", () => {
    expect([-5, 4240, 59_940].map(formatBack)).toEqual(["−0.0 s", "−4.2 s", "−59.9 s"]);
    expect([59_960, 60_000, 65_000].map(formatBack)).toEqual(["−1:00", "−1:00", "−1:05"]);
    expect([-1, 0.25, 0.5, 2].map(formatSpeed)).toEqual(["−1×", "¼×", "½×", "2×"]);
  });
});
