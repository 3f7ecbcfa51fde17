// @vitest-environment happy-dom
import { act } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { CameraSnapshot } from "../../src/core/viewer/camera.js";
import type { PlaybackState } from "../../src/core/viewer/playback.js";
import { CameraGrid } from "../../src/react/camera-grid.js";
import { ENGLISH } from "../../src/core/words/words.js";
import { cameraSnapshot, fakeControls, fakeViewer } from "./fake-viewer.js";
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
  const { viewer, update } = fakeViewer([], fakeControls(requests));
  const paused: (number | null)[] = [];
  const onPaused = (at: number | null) => paused.push(at);
  render(<CameraGrid viewer={viewer} onPaused={onPaused} />);
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
  return { show, open, requested, update, paused };
}

const view = () => document.querySelector<HTMLElement>(".sky-view");
const press = (key: string, on: Element | null = view()) =>
  act(() => void on?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })));
const find = (words: string) =>
  [...document.querySelectorAll<HTMLElement>("button, a")].find(
    (button) =>
      button.textContent.includes(words) || (button.getAttribute("aria-label") ?? "").includes(words),
  );
const click = (words: string) => act(() => find(words)?.click());
const position = () => document.querySelector<HTMLInputElement>('input[type="range"]');
const slide = (value: number) =>
  act(() => {
    const range = position();
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")?.set?.call(range, String(value));
    range?.dispatchEvent(new Event("input", { bubbles: true }));
  });
const pill = () => document.querySelector(".sky-pill")?.textContent;
const clipLength = () => document.querySelector('[data-figure="clip"]')?.textContent;
/** Presses a button that downloads the clip, and returns what was asked for. */
async function download(words: string, respond: () => Promise<Response>): Promise<string[]> {
  const asked: string[] = [];
  vi.stubGlobal("fetch", (url: string) => {
    asked.push(url);
    return respond();
  });
  await act(async () => {
    find(words)?.click();
    await vi.advanceTimersByTimeAsync(0);
  });
  return asked;
}
/** Notes the names of the files that the page saves. */
function savedFiles(): string[] {
  const saved: string[] = [];
  vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
    saved.push(this.download);
  });
  return saved;
}
const video = () => Promise.resolve(new Response("film"));
const missing = () =>
  Promise.resolve(new Response(JSON.stringify({ success: false, error: "no PyAV here" }), { status: 501 }));

describe("the timeline", () => {
  it("exists only in the camera view, asks for its extent, and returns the camera to live at the end", () => {
    const { show, requested } = build();
    show();
    expect(document.querySelector(".sky-timeline")).toBeNull();
    act(() => host.querySelector<HTMLButtonElement>(".sky-tile__open")?.click());
    expect(document.activeElement).toBe(view());
    expect(requested()).toEqual(["live"]);
    act(() => void vi.advanceTimersByTime(2000));
    expect(requested()).toEqual(["live"]);
    expect(document.querySelector(".sky-timeline")?.getAttribute("aria-label")).toBe("Timeline of Door");
    press("Escape");
    expect(requested()).toEqual(["live"]);
  });

  it("asks for its extent as soon as there is a connection", () => {
    const { open, requested, update } = build();
    open();
    update({ link: "connecting" });
    act(() => void vi.advanceTimersByTime(5000));
    expect(requested()).toEqual([]);
    update({ link: "live" });
    expect(requested()).toEqual(["live"]);
  });

  it("has a pill that says each state once", () => {
    const { open, show } = build();
    open();
    show({ status: "stopped" });
    expect(pill()?.trim()).toBe("Stopped by its owner");
    show({ status: "unknown", known: false });
    expect(pill()?.trim()).toBe("The server does not know this camera");
    show({ status: "stalled", takenAt: Date.now() - 8000 });
    expect(pill()?.trim()).toBe("Late · no new picture for 8 s");
  });

  it("does not exist while the timeline is empty or unknown", () => {
    const { open } = build();
    open({ playback: null });
    expect(document.querySelector(".sky-timeline")).toBeNull();
  });

  it("asks again during a playback, so that what the server has dropped since is not offered", () => {
    const { open, show, requested } = build();
    open({ playback: PAUSED });
    act(() => void vi.advanceTimersByTime(2000));
    expect(requested()).toContain("describe");
    press("c");
    expect(clipLength()).toBe("8.0 s");
    show({ playback: { ...PAUSED, oldestAt: 8400 } });
    expect(clipLength()).toBe("0.6 s");
    show({ playback: { ...PAUSED, oldestAt: 20_000, newestAt: 29_000 } });
    expect(clipLength()).toBeUndefined();
  });

  it("shows that the picture is not live, its time of day, and how far back it is", () => {
    const { open, show, paused } = build();
    open({ playback: PAUSED, latency: LATENCY, status: "unknown" });
    const clock = ENGLISH.format.tenthsOf(4800, Date.now());
    expect(view()?.getAttribute("aria-label")).toBe("Door, replay");
    expect(pill()).toBe(`Not live · Replay · ${clock} · 4.2 s ago · paused`);
    expect(document.querySelector(".sky-view__frame")).not.toBeNull();
    expect(position()?.getAttribute("aria-valuetext")).toBe(
      `${ENGLISH.format.clockOf(4800, Date.now())}, −4.2 s from now`,
    );
    expect(paused.at(-1)).toBe(4800);
    show({ playback: { ...PAUSED, speed: 0.5 }, status: "unknown" });
    expect(pill()).toContain("4.2 s ago · ½×");
    expect(paused.at(-1)).toBeNull();
    show();
    expect(pill()?.trim()).toBe("Live");
    expect(document.querySelector(".sky-view__frame")).toBeNull();
    expect(position()?.getAttribute("aria-valuetext")).toBe("live");
  });

  it("calls nothing live while the camera is offline", () => {
    const { open } = build();
    open({ status: "offline" });
    expect(position()?.getAttribute("aria-valuetext")).toBe("the newest picture");
    expect(document.querySelector(".sky-live")?.textContent).toBe("Newest");
    expect(document.querySelector(".sky-live")?.getAttribute("data-live")).toBe("false");
    expect(pill()).toContain("Offline");
  });

  it("seeks while it is dragged, and returns to live at its end", () => {
    const { open, requested } = build();
    open();
    slide(-3000);
    expect(requested()).toEqual([[{ at: 6000 }, 0]]);
    expect(position()?.getAttribute("aria-valuetext")).toBe(
      `${ENGLISH.format.clockOf(6000, Date.now())}, −3.0 s from now`,
    );
    slide(0);
    expect(requested()).toEqual(["live"]);
    act(() => void vi.advanceTimersByTime(1000));
    expect(position()?.getAttribute("aria-valuetext")).toBe("live");
  });

  it("pauses, plays, steps, jumps, changes speed and returns to live with its buttons", () => {
    const { open, show, requested } = build();
    open();
    click("Pause");
    expect(requested()).toEqual([[{ sequence: 80 }, 0]]);
    show({ playback: PAUSED });
    click("Slower");
    expect(requested()).toEqual([[{ sequence: 40 }, 0.5]]);
    expect(document.querySelector('[data-figure="speed"]')?.textContent).toBe("½×");
    click("Play");
    expect(requested()).toEqual([[{ sequence: 40 }, 0.5]]);
    press(" ");
    expect(requested()).toEqual([[{ sequence: 40 }, 0.5]]);
    click("One frame back");
    expect(requested()).toEqual([[{ sequence: 39 }, 0]]);
    click("One frame forward");
    expect(requested()).toEqual([[{ sequence: 40 }, 0]]);
    show({ playback: { ...PAUSED, at: 8000, speed: 2 } });
    expect(document.querySelector('[data-figure="speed"]')?.textContent).toBe("2×");
    click("Back 10 seconds");
    expect(requested()).toEqual([[{ at: 1000 }, 1]]);
    click("Reverse");
    expect(requested()).toEqual([[{ sequence: 40 }, -1]]);
    click("Go live");
    expect(requested()).toEqual(["live"]);
  });

  it("offers no faster live picture", () => {
    const { open } = build();
    open();
    expect((find("Faster") as HTMLButtonElement).disabled).toBe(true);
    expect((find("Slower") as HTMLButtonElement).disabled).toBe(false);
    expect((find("Forward 10 seconds") as HTMLButtonElement).disabled).toBe(true);
  });

  it("does the same with keys, and the arrow keys mean one thing wherever the focus is", () => {
    const { open, show, requested } = build();
    open();
    press(" ");
    expect(requested()).toEqual([[{ sequence: 80 }, 0]]);
    press("j");
    expect(requested()).toEqual([[{ sequence: 80 }, -1]]);
    show({ playback: { ...PAUSED, at: 8000, speed: -1 } });
    press("j");
    expect(requested()).toEqual([[{ sequence: 40 }, -2]]);
    press("k");
    expect(requested()).toEqual([[{ sequence: 40 }, 0]]);
    press("L");
    expect(requested()).toEqual([[{ sequence: 40 }, 1]]);
    press(".");
    press(",");
    expect(requested().at(-1)).toEqual([{ sequence: 40 }, 0]);
    press("Home");
    expect(requested()).toEqual([[{ at: 1000 }, 1]]);
    press("End");
    expect(requested()).toEqual(["live"]);
    press(" ", document.querySelector(".sky-view button"));
    expect(requested()).toEqual([]);
    for (const focused of [view(), position()]) {
      show();
      press("ArrowLeft", focused);
      expect(requested()).toEqual([[{ at: 1000 }, 1]]);
    }
  });

  it("plays ten seconds around the picture as a clip, with two ends that can be moved", async () => {
    const { open, show, requested } = build();
    const long = { ...PAUSED, oldestAt: 0, at: 60_000, newestAt: 100_000 };
    open({ playback: long });
    click("Clip");
    expect(requested()).toEqual([[{ at: 55_000 }, 1]]);
    press("ArrowRight", document.querySelector('[aria-label="End of the clip"]'));
    expect(requested()).toEqual([[{ at: 65_200 }, 0]]);
    press("ArrowLeft", document.querySelector('[aria-label="Start of the clip"]'));
    expect(clipLength()).toBe("10.4 s");
    show({ playback: { ...long, at: 50_000 } });
    press("[");
    expect(clipLength()).toBe("15.2 s");
    savedFiles();
    expect(await download("Save MP4", video)).toEqual(["clip-50000-65200-mp4"]);
    press("]");
    expect(clipLength()).toBe("0.2 s");
    click("Clear the clip");
    expect(clipLength()).toBeUndefined();
  });

  it("shows the picture at an end while it is dragged, and plays the clip again afterwards", () => {
    const { open, requested } = build();
    open({ playback: { ...PAUSED, oldestAt: 0, at: 60_000, newestAt: 100_000 } });
    press("c");
    requested();
    const end = document.querySelector<HTMLElement>('[aria-label="End of the clip"]');
    const track = document.querySelector<HTMLElement>(".sky-timeline__track");
    if (!end || !track) throw new Error("there is no clip");
    end.setPointerCapture = () => undefined;
    vi.spyOn(track, "getBoundingClientRect").mockReturnValue(new DOMRect(0, 0, 1000, 28));
    const drag = (type: string, clientX: number) =>
      act(() => void end.dispatchEvent(new PointerEvent(type, { bubbles: true, buttons: 1, clientX })));
    drag("pointerdown", 650);
    drag("pointermove", 700);
    expect(requested()).toEqual([[{ at: 70_000 }, 0]]);
    drag("pointerup", 700);
    expect(requested()).toEqual([[{ at: 55_000 }, 1]]);
    expect(clipLength()).toBe("15.0 s");
  });

  it("plays a clip again and again", () => {
    const { open, show, requested } = build();
    open({ playback: { ...PAUSED, speed: 1 } });
    press("c");
    requested();
    show({ playback: { ...PAUSED, at: 9000, speed: 1 } });
    expect(requested()).toEqual([[{ at: 1000 }, 1]]);
  });

  it("saves a clip as MP4, and shows the saved video in a loop", async () => {
    const { open, show } = build();
    open({ playback: PAUSED });
    click("Clip");
    const saved = savedFiles();
    expect(await download("Save MP4", video)).toEqual(["clip-1000-9000-mp4"]);
    expect(saved).toEqual([expect.stringMatching(/^a_.*\.mp4$/)]);
    const preview = document.querySelector("video");
    expect([preview?.loop, preview?.muted]).toEqual([true, true]);
    // What is made already is not made again.
    expect(await download("Save MP4", video)).toEqual([]);
    expect(saved).toHaveLength(2);
    show({ playback: { ...PAUSED, at: 5000 } });
    press("[");
    expect(document.querySelector("video")).toBeNull();
  });

  it("says why there is no MP4, and then offers the other formats", async () => {
    const { open } = build();
    open({ playback: PAUSED });
    click("Clip");
    await download("Save MP4", missing);
    expect(document.querySelector(".sky-clip__note")?.textContent).toContain(
      "The server says: no PyAV here.",
    );
    const saved = savedFiles();
    expect(await download("Save ZIP", video)).toEqual(["clip-1000-9000-zip"]);
    click("Other formats");
    expect((find("MP4:") as HTMLButtonElement).disabled).toBe(true);
    press("Escape", find("Other formats"));
    expect(find("MKV:")).toBeUndefined();
    click("Other formats");
    expect(await download("MKV:", video)).toEqual(["clip-1000-9000-mkv"]);
    expect(saved).toHaveLength(2);
    expect(view()).not.toBeNull();
  });

  it("says how much of a clip has come, and can be stopped", async () => {
    const { open } = build();
    open({ playback: PAUSED });
    click("Clip");
    const stream = new ReadableStream<Uint8Array>({ start: (one) => one.enqueue(new Uint8Array(1_200_000)) });
    await download("Save MP4", () => Promise.resolve(new Response(stream)));
    await act(() => vi.advanceTimersByTimeAsync(0));
    const note = () => document.querySelector(".sky-clip__note");
    expect(note()?.textContent).toContain("1.2 MB");
    expect(note()?.querySelector("progress")).not.toBeNull();
    click("Cancel");
    expect(note()?.textContent).toBe("");
    expect(find("Save MP4")).not.toBeUndefined();
  });

  it("shares a clip with other apps, and asks for a second press if the browser wants one", async () => {
    const shared: string[] = [];
    let refuse = true;
    vi.stubGlobal("navigator", {
      canShare: () => true,
      share: ({ files }: { files: File[] }) => {
        if (refuse) return Promise.reject(new DOMException("", "NotAllowedError"));
        shared.push(...files.map(({ type }) => type));
        return Promise.resolve();
      },
    });
    const { open } = build();
    open({ playback: PAUSED });
    click("Clip");
    await download("Share the clip", video);
    expect(document.querySelector(".sky-clip__note")?.textContent).toContain("Press Share once more");
    refuse = false;
    expect(await download("Share the clip", video)).toEqual([]);
    expect(shared).toEqual(["video/mp4"]);
    expect(document.querySelector(".sky-clip__note")?.textContent).toBe("");
  });

  it("says when the server keeps almost nothing", () => {
    const { open, show } = build();
    open({ playback: { ...LIVE, oldestAt: LIVE.newestAt - 3000 } });
    expect(view()?.textContent).toContain("The server keeps only 3 s of this camera");
    show({ playback: { ...LIVE, oldestAt: LIVE.newestAt - 300 } });
    expect(view()?.textContent).not.toContain("keeps only");
    show({ playback: { ...LIVE, oldestAt: -60_000 } });
    expect(view()?.textContent).not.toContain("keeps only");
  });
});

describe("the zoom of the timeline", () => {
  const LONG: PlaybackState = { ...PAUSED, oldestAt: 0, at: 500_000, newestAt: 1_000_000 };
  const shown = () => [Number(position()?.min) + 1_000_000, Number(position()?.max) + 1_000_000];

  it("does not exist for two minutes or less", () => {
    const { open } = build();
    open();
    expect(find("Show less of the timeline")).toBeUndefined();
  });

  it("has buttons and keys, and says how much is shown", () => {
    const { open } = build();
    open({ playback: LONG });
    expect(shown()).toEqual([0, 1_000_000]);
    click("Show less of the timeline");
    expect(shown()).toEqual([250_000, 750_000]);
    expect(document.querySelector(".sky-timeline__zoom")?.textContent).toContain("8 min of 16 min");
    press("+", position());
    expect(shown()).toEqual([375_000, 625_000]);
    expect(document.querySelector(".sky-minimap")).toBeNull();
    press("-", position());
    expect(shown()).toEqual([250_000, 750_000]);
    press("0", position());
    expect(shown()).toEqual([0, 1_000_000]);
    expect((find("Show more of the timeline") as HTMLButtonElement).disabled).toBe(true);
  });

  it("follows the wheel at the pointer, and two fingers", () => {
    const { open } = build();
    open({ playback: LONG });
    const track = document.querySelector<HTMLElement>(".sky-timeline__track");
    if (!track) throw new Error("there is no timeline");
    vi.spyOn(track, "getBoundingClientRect").mockReturnValue(new DOMRect(0, 0, 1000, 28));
    const wheel = new WheelEvent("wheel", { deltaY: -300, bubbles: true, cancelable: true });
    Object.defineProperty(wheel, "clientX", { value: 250 });
    act(() => void track.dispatchEvent(wheel));
    expect(wheel.defaultPrevented).toBe(true);
    expect(shown()).toEqual([125_000, 625_000]);
    act(() => void track.dispatchEvent(new WheelEvent("wheel", { deltaX: 200, cancelable: true })));
    expect(shown()).toEqual([225_000, 725_000]);
    const finger = (type: string, pointerId: number, clientX: number) =>
      act(
        () =>
          void track.dispatchEvent(
            new PointerEvent(type, { bubbles: true, pointerType: "touch", pointerId, clientX }),
          ),
      );
    finger("pointerdown", 1, 400);
    finger("pointerdown", 2, 600);
    finger("pointermove", 2, 800);
    expect(shown()).toEqual([375_000, 625_000]);
    finger("pointerup", 1, 400);
    finger("pointermove", 2, 900);
    expect(shown()).toEqual([375_000, 625_000]);
  });

  it("leaves out the ends of a clip that are not in the shown part", () => {
    const { open } = build();
    open({ playback: LONG });
    press("c");
    expect(document.querySelectorAll(".sky-timeline__end")).toHaveLength(2);
    for (let time = 0; time < 9; time++) click("Show less of the timeline");
    const [from = 0, to = 0] = shown();
    expect(to - from).toBe(2000);
    press("]");
    expect(document.querySelectorAll(".sky-timeline__end")).toHaveLength(1);
  });
});

describe("the camera view", () => {
  it("shows the latency and its stages when its figures are opened", () => {
    const { open, show } = build();
    open({ delay: 52.3 });
    press("i");
    const figure = () => document.querySelector('.sky-view [data-figure="latency"]')?.textContent;
    expect(figure()).toBe("52 ms");
    const stages = () => document.querySelector(".sky-stages")?.textContent;
    expect(stages()).toBe("Capture to server–In the server–Server to screen–");
    show({ latency: LATENCY });
    expect(figure()).toBe("48 ms");
    expect(stages()).toBe("Capture to server20 msIn the server0.5 msServer to screen27 ms");
    show({ latency: { ...LATENCY, capture: null }, status: "offline" });
    expect(figure()).toBe("–");
    press("Escape");
    expect(document.querySelector(".sky-stages")).toBeNull();
    expect(view()).not.toBeNull();
  });

  it("has switches for boxes once detection results come, and says what exact boxes cost", () => {
    const { open, show, requested } = build();
    open();
    expect(find("Boxes on the pictures")).toBeUndefined();
    show({ hasResults: true });
    expect(find("Boxes on the pictures")?.getAttribute("aria-pressed")).toBe("true");
    click("Boxes on the pictures");
    click("Exact");
    show({ hasResults: true, boxDelay: 350 });
    expect(pill()?.trim()).toBe("Live +0.4 s");
    show({ hasResults: true }, false);
    expect(find("Exact")).toBeUndefined();
    press("b");
    expect(requested()).toEqual([false, ["exact", true], true]);
  });

  it("zooms with keys, and shows a map while it is zoomed", () => {
    vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(1600);
    vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(900);
    const { open } = build();
    open();
    const place = () => document.querySelector<HTMLElement>(".sky-view__place")?.style.transform;
    expect(place()).toBe("none");
    press("+");
    expect(place()).toContain("scale(1.500)");
    expect(document.querySelector(".sky-minimap")).not.toBeNull();
    press("0");
    expect(place()).toBe("none");
    expect(document.querySelector(".sky-minimap")).toBeNull();
  });
});

describe("the text of a position and a speed", () => {
  it("read well", () => {
    expect([-5, 4240, 59_940].map(ENGLISH.format.back)).toEqual(["−0.0 s", "−4.2 s", "−59.9 s"]);
    expect([59_960, 60_000, 65_000].map(ENGLISH.format.back)).toEqual(["−1:00", "−1:00", "−1:05"]);
    expect([-1, 0.25, 0.5, 2].map(ENGLISH.format.speed)).toEqual(["−1×", "¼×", "½×", "2×"]);
  });
});
