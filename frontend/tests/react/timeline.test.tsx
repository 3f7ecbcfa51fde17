// @vitest-environment happy-dom
import { act } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { CameraSnapshot } from "../../src/core/viewer/camera.js";
import type { PlaybackState } from "../../src/core/viewer/playback.js";
import { CameraGrid } from "../../src/react/camera-grid.js";
import { formatBack, formatSpeed } from "../../src/react/format.js";
import { LatencyTable } from "../../src/react/latency.js";
import type { ViewerControls } from "../../src/react/use-viewer.js";
import { cameraSnapshot, fakeViewer } from "./fake-viewer.js";
import { host, mountForEach, render } from "./mounting.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});
mountForEach();

const LIVE: PlaybackState = { live: true, speed: 1, sequence: 80, at: 9000, oldestAt: 1000, newestAt: 9000 };
const PAUSED: PlaybackState = { ...LIVE, live: false, speed: 0, sequence: 40, at: 4800 };
const LATENCY = { cameraId: "a", frames: 30, capture: 20, server: 0.5, delivery: 27.4, total: 47.9 };

function build() {
  const requests: unknown[] = [];
  const controls: ViewerControls = {
    setShownWidth: () => undefined,
    seek: (_, position, speed) => requests.push([position, speed]),
    goLive: () => requests.push("live"),
    clipUrl: (_, from, to, format) => `clip-${from}-${to}-${format}`,
    setBoxesShown: (shown) => requests.push(shown),
  };
  const { viewer, update } = fakeViewer([], controls);
  render(<CameraGrid viewer={viewer} />);
  const show = (change: Partial<CameraSnapshot> = {}, boxesShown = true) => {
    const camera = cameraSnapshot("a", { name: "Door", playback: LIVE, ...change });
    update({ cameras: [camera], boxesShown });
  };
  /** Returns the requests since the last call. */
  const requested = () => {
    act(() => void vi.advanceTimersByTime(100));
    return requests.splice(0);
  };
  const open = (change: Partial<CameraSnapshot> = {}) => {
    show(change);
    act(() => host.querySelector<HTMLButtonElement>(".sky-tile__open")?.click());
    show(change);
    requested();
  };
  return { show, open, requested };
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
  it("exists only in full size, asks for its extent, and returns the camera to live at the end", () => {
    const { show, requested } = build();
    show();
    expect(host.querySelector(".sky-timeline")).toBeNull();
    act(() => host.querySelector<HTMLButtonElement>(".sky-tile__open")?.click());
    expect(document.activeElement).toBe(tile());
    expect(requested()).toEqual(["live"]);
    act(() => void vi.advanceTimersByTime(4000));
    expect(requested()).toEqual(["live"]);
    expect(host.querySelector(".sky-timeline")?.getAttribute("aria-label")).toBe("Timeline of Door");
    press("Escape");
    expect(requested()).toEqual(["live"]);
  });

  it("does not exist while the timeline is empty or unknown", () => {
    const { open } = build();
    open({ playback: null });
    expect(host.querySelector(".sky-timeline")).toBeNull();
  });

  it("shows that the picture is not live, and how far back it is", () => {
    const { open, show } = build();
    open({ playback: PAUSED, latency: LATENCY });
    expect(tile()?.getAttribute("aria-label")).toBe("Door, playback");
    expect(host.querySelector(".sky-tile__playback")?.textContent).toBe("Not live · −4.2 s · paused");
    expect(host.querySelector(".sky-status")?.textContent).toBe("Playback");
    expect(host.querySelector("input")?.getAttribute("aria-valuetext")).toBe("−4.2 s from now");
    expect(host.querySelector('[data-figure="latency"]')?.textContent).toBe("–");
    show({ playback: { ...PAUSED, speed: 0.5 } });
    expect(host.querySelector(".sky-tile__playback")?.textContent).toBe("Not live · −4.2 s · ½×");
    show();
    expect(host.querySelector(".sky-tile__playback")).toBeNull();
    expect(host.querySelector("input")?.getAttribute("aria-valuetext")).toBe("live");
  });

  it("seeks while it is dragged, and returns to live at its end", () => {
    const { open, requested } = build();
    open();
    slide(-3000);
    expect(requested()).toEqual([[{ at: 6000 }, 0]]);
    expect(host.querySelector("input")?.getAttribute("aria-valuetext")).toBe("−3.0 s from now");
    slide(0);
    expect(requested()).toEqual(["live"]);
    act(() => void vi.advanceTimersByTime(1000));
    expect(host.querySelector("input")?.getAttribute("aria-valuetext")).toBe("live");
  });

  it("pauses, plays at the chosen speed, steps, skips back and returns to live with its buttons", () => {
    const { open, show, requested } = build();
    open();
    click("Pause");
    expect(requested()).toEqual([[{ sequence: 80 }, 0]]);
    show({ playback: PAUSED });
    const select = host.querySelector("select");
    act(() => {
      if (select) select.value = "0.5";
      select?.dispatchEvent(new Event("change", { bubbles: true }));
    });
    expect(requested()).toEqual([[{ sequence: 40 }, 0.5]]);
    click("Play");
    expect(requested()).toEqual([[{ sequence: 40 }, 0.5]]);
    press(" ");
    expect(requested()).toEqual([[{ sequence: 40 }, 0.5]]);
    click("One frame back");
    expect(requested()).toEqual([[{ sequence: 39 }, 0]]);
    click("One frame forward");
    expect(requested()).toEqual([[{ sequence: 40 }, 0]]);
    click("Back 5 seconds");
    expect(requested()).toEqual([[{ back: 9.2 }, 1]]);
    click("Live");
    expect(requested()).toEqual(["live"]);
  });

  it("does the same with keys", () => {
    const { open, show, requested } = build();
    open();
    press(" ");
    expect(requested()).toEqual([[{ sequence: 80 }, 0]]);
    show({ playback: PAUSED });
    press(" ");
    expect(requested()).toEqual([[{ sequence: 40 }, 1]]);
    press("ArrowLeft");
    expect(requested()).toEqual([[{ sequence: 39 }, 0]]);
    press(".");
    press(",");
    expect(requested().at(-1)).toEqual([{ sequence: 39 }, 0]);
    press("j");
    expect(requested()).toEqual([[{ back: 9.2 }, 1]]);
    press("L");
    expect(requested()).toEqual(["live"]);
    press(" ", host.querySelector(".sky-timeline button"));
    press("ArrowLeft", host.querySelector("select"));
    expect(requested()).toEqual([]);
    show();
    press("ArrowLeft", host.querySelector("input"));
    expect(requested()).toEqual([[{ sequence: 79 }, 0]]);
  });

  it("offers the chosen part as a video, or as JPEGs if the server cannot encode videos", async () => {
    const { open, show } = build();
    open();
    expect(href()).toBe("clip-1000-9000-mkv");
    show({ playback: PAUSED });
    click("End the clip here");
    show({ playback: { ...PAUSED, at: 2000 } });
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
  it("shows the latency and its stages once they are known", () => {
    const { open, show } = build();
    open({ delay: 52.3 });
    const figure = () => host.querySelector('[data-figure="latency"]')?.textContent;
    expect(figure()).toBe("52 ms");
    const stages = () => host.querySelector(".sky-stages")?.textContent;
    expect(stages()).toBe("Capture to server–In the server–Server to screen–");
    show({ latency: LATENCY });
    expect(figure()).toBe("48 ms");
    expect(stages()).toBe("Capture to server20 msIn the server0.5 msServer to screen27 ms");
    expect(host.querySelector("[title^='Capture to server: 20 ms']")).not.toBeNull();
    show({ latency: { ...LATENCY, capture: null }, status: "offline" });
    expect(figure()).toBe("–");
    expect(stages()).toBe("Capture to server–In the server–Server to screen–");
  });

  it("has a switch for boxes once detection results come", () => {
    const { open, show, requested } = build();
    open();
    expect(host.querySelector("[aria-pressed] + .x, header [aria-pressed]")).toBeNull();
    show({ hasResults: true });
    expect(host.querySelector("header [aria-pressed]")?.getAttribute("aria-pressed")).toBe("true");
    click("Boxes on the pictures");
    show({ hasResults: true }, false);
    press("b");
    expect(requested()).toEqual([false, true]);
  });
});

describe("the table of latencies", () => {
  it("has the cameras with a known latency, and does not exist without any", () => {
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

describe("the text of a position and a speed", () => {
  it("read well", () => {
    expect([-5, 4240, 59_940].map(formatBack)).toEqual(["−0.0 s", "−4.2 s", "−59.9 s"]);
    expect([59_960, 60_000, 65_000].map(formatBack)).toEqual(["−1:00", "−1:00", "−1:05"]);
    expect([-1, 0.25, 0.5, 2].map(formatSpeed)).toEqual(["−1×", "¼×", "½×", "2×"]);
  });
});
