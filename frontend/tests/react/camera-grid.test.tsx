// @vitest-environment happy-dom
import { act } from "react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { now } from "../../src/core/clock.js";
import { WallChoices } from "../../src/core/viewer/wall-choices.js";
import { CameraGrid } from "../../src/react/camera-grid.js";
import { cameraSnapshot as camera, fakeControls, fakeViewer, TAKEN_AT } from "./fake-viewer.js";
import { fileStamp } from "../../src/react/file-stamp.js";
import { host, mountForEach, render } from "./mounting.js";

mountForEach();

const HOSTILE = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>`;
const tiles = () => [...host.querySelectorAll("article")].map((tile) => tile.dataset.camera);
const view = () => document.querySelector<HTMLElement>(".sky-view");
const press = (
  key: string,
  options: KeyboardEventInit = {},
  on: EventTarget | null = document.activeElement,
) =>
  act(
    () =>
      void on?.dispatchEvent(
        new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...options }),
      ),
  );
const open = (cameraId: string) =>
  act(() => host.querySelector<HTMLElement>(`[data-camera="${cameraId}"] .sky-tile__open`)?.click());
const click = (words: string, within: ParentNode = document) =>
  act(() =>
    [...within.querySelectorAll<HTMLElement>("button, a")]
      .find(
        (button) =>
          button.textContent.includes(words) || (button.getAttribute("aria-label") ?? "").includes(words),
      )
      ?.click(),
  );

describe("the wall", () => {
  it("shows each camera's picture, name and state, and figures only when asked", () => {
    const offline = camera("b", { status: "offline", takenAt: now() - 90_000 });
    const { viewer, opened } = fakeViewer([camera("a"), offline]);
    render(<CameraGrid viewer={viewer} />);
    expect(opened).toEqual(["a", "b"]);
    const [first, second] = host.querySelectorAll("article");
    expect(first?.querySelector("canvas")).not.toBeNull();
    expect(first?.getAttribute("aria-label")).toBe("a, live");
    expect(second?.textContent).toContain("1 min ago");
    expect(first?.querySelector("[data-figure]")).toBeNull();
    press("i", {}, document.body);
    expect(first?.querySelector('[data-figure="fps"]')?.textContent).toBe("15 fps");
  });

  it("says for how long no new picture has come, at full brightness", () => {
    vi.useFakeTimers();
    const { viewer } = fakeViewer([camera("a", { status: "stalled", takenAt: now() - 4000 })]);
    render(<CameraGrid viewer={viewer} />);
    expect(host.textContent).toContain("no new picture for 4 s");
    act(() => void vi.advanceTimersByTime(2000));
    expect(host.textContent).toContain("no new picture for 6 s");
    vi.useRealTimers();
  });

  it("says why it knows nothing of a camera", () => {
    const { viewer, update } = fakeViewer([camera("a", { status: "unknown", known: false, width: 0 })]);
    render(<CameraGrid viewer={viewer} />);
    expect(host.textContent).toContain("The server does not know this camera");
    update({ cameras: [camera("a", { status: "unknown" })], lostAt: 1 });
    expect(host.textContent).toContain("no connection");
  });

  it("keeps a camera's canvas while its figures change, and closes its surface at the end", () => {
    const { viewer, update, opened, closed } = fakeViewer([camera("a")]);
    render(<CameraGrid viewer={viewer} />);
    const canvas = host.querySelector("canvas");
    update({ cameras: [camera("a", { fps: 3 }), camera("b")] });
    expect(host.querySelector("canvas")).toBe(canvas);
    update({ cameras: [camera("b")] });
    expect(opened).toEqual(["a", "b"]);
    expect(closed).toEqual(["a"]);
  });

  it("moves the focus by arrow keys, and the camera with Alt", () => {
    const { viewer } = fakeViewer(["a", "b", "c"].map((id) => camera(id)));
    const choices = new WallChoices();
    render(<CameraGrid viewer={viewer} choices={choices} />);
    const [first, second] = host.querySelectorAll<HTMLElement>(".sky-tile__open");
    first?.focus();
    press("ArrowRight");
    expect(document.activeElement).toBe(second);
    press("ArrowRight", { altKey: true });
    expect(tiles()).toEqual(["a", "c", "b"]);
    press("ArrowLeft", { altKey: true }, second);
    expect(choices.settings.getSnapshot().order).toEqual(["a", "b", "c"]);
  });

  it("keeps the order when a camera gets another name, and removes a camera that is away until it returns", () => {
    const { viewer, update } = fakeViewer([camera("a"), camera("b", { status: "offline" })]);
    render(<CameraGrid viewer={viewer} />);
    update({ cameras: [camera("b", { status: "offline" }), camera("a", { name: "Zoo" })] });
    expect(tiles()).toEqual(["a", "b"]);
    click("Remove");
    expect(tiles()).toEqual(["a"]);
    update({ cameras: [camera("b", { status: "unknown" }), camera("a")] });
    expect(tiles()).toEqual(["a"]);
    update({ cameras: [camera("b"), camera("a")] });
    expect(tiles()).toEqual(["a", "b"]);
  });

  it("has tools for each camera: hide, keep first, fill, share", async () => {
    const { viewer } = fakeViewer([camera("a"), camera("b")]);
    const copied: string[] = [];
    vi.stubGlobal("navigator", { clipboard: { writeText: (text: string) => void copied.push(text) } });
    render(<CameraGrid viewer={viewer} hrefOf={(id) => `?c=${id}`} />);
    const second = () => host.querySelector('[data-camera="b"]');
    click("More for b");
    click("Keep first");
    expect(tiles()).toEqual(["b", "a"]);
    click("More for b");
    click("Fill the tile");
    expect(second()?.getAttribute("data-cropped")).toBe("true");
    click("More for b");
    press("Escape", {}, host.querySelector(".sky-menu"));
    expect(host.querySelector(".sky-menu")).toBeNull();
    click("More for b");
    click("Share a link");
    await vi.waitFor(() => expect(copied).toEqual([expect.stringContaining("?c=b")]));
    click("More for b");
    click("Hide");
    expect(tiles()).toEqual(["a"]);
  });

  it("shows a hostile label as text", () => {
    const { viewer } = fakeViewer([camera("a", { name: HOSTILE })]);
    render(<CameraGrid viewer={viewer} />);
    expect(host.querySelector("h2")?.textContent).toBe(HOSTILE);
    expect(host.querySelector("img, script")).toBeNull();
  });

  it("shows only the cameras of an address, in its order, or those of a group", () => {
    const { viewer } = fakeViewer(["a", "b", "c"].map((id) => camera(id)));
    const choices = new WallChoices();
    choices.setGroup("Outside", ["c", "b"]);
    render(<CameraGrid viewer={viewer} choices={choices} only={["c", "a"]} />);
    expect(tiles()).toEqual(["c", "a"]);
    render(<CameraGrid viewer={viewer} choices={choices} group="Outside" />);
    expect(tiles()).toEqual(["c", "b"]);
  });
});

describe("a wall with more cameras than fit", () => {
  beforeEach(() => {
    vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(1428);
  });

  const five = () => fakeViewer(["a", "b", "c", "d", "e"].map((id) => camera(id)));

  it("has pages, which dots and keys turn", () => {
    render(<CameraGrid viewer={five().viewer} layout="2x2" />);
    expect(tiles()).toEqual(["a", "b", "c", "d"]);
    press("PageDown", {}, document.body);
    expect(tiles()).toEqual(["e"]);
    click("Page 1 of 2", host);
    expect(tiles()).toEqual(["a", "b", "c", "d"]);
  });

  it("turns its pages by itself on a screen that nobody operates", () => {
    vi.useFakeTimers();
    render(<CameraGrid viewer={five().viewer} layout="2x2" kiosk />);
    expect(host.querySelector(".sky-dots")).toBeNull();
    act(() => void vi.advanceTimersByTime(10_000));
    expect(tiles()).toEqual(["e"]);
    act(() => void vi.advanceTimersByTime(10_000));
    expect(tiles()).toEqual(["a", "b", "c", "d"]);
    vi.useRealTimers();
  });
});

describe("the camera view", () => {
  beforeEach(() => {
    document.body.append(document.createElement("header"));
    return () => document.querySelector("header")?.remove();
  });

  it("is the only part of the page that can be used, and gives the focus back to its camera", () => {
    const { viewer } = fakeViewer(["a", "b", "c"].map((id) => camera(id)));
    render(<CameraGrid viewer={viewer} />);
    open("a");
    expect(view()?.dataset.view).toBe("a");
    expect(document.activeElement).toBe(view());
    for (const outside of document.body.children)
      expect(outside === view() || outside.hasAttribute("inert")).toBe(true);
    press("ArrowLeft", { shiftKey: true });
    expect(view()?.dataset.view).toBe("c");
    press("ArrowRight", { shiftKey: true });
    press("ArrowRight", { shiftKey: true });
    expect(view()?.dataset.view).toBe("b");
    press("x");
    press("Escape");
    expect(view()).toBeNull();
    expect(document.querySelector("[inert]")).toBeNull();
    expect(document.activeElement?.textContent).toContain("Show b");
  });

  it("obeys its keys wherever the focus is, also when the browser has lost it", () => {
    const { viewer } = fakeViewer([camera("a"), camera("b")]);
    render(<CameraGrid viewer={viewer} />);
    open("a");
    (document.activeElement as HTMLElement).blur();
    expect(document.activeElement).toBe(document.body);
    press("ArrowRight", { shiftKey: true });
    expect(view()?.dataset.view).toBe("b");
    press("Escape");
    expect(view()).toBeNull();
  });

  it("puts the whole page on the full screen, so that another camera stays there", () => {
    const request = vi.fn(() => Promise.resolve());
    const root = document.documentElement;
    Object.defineProperty(root, "requestFullscreen", { configurable: true, value: request });
    const { viewer } = fakeViewer([camera("a"), camera("b")]);
    render(<CameraGrid viewer={viewer} />);
    open("a");
    press("f");
    expect(request.mock.contexts).toEqual([root]);
    press("ArrowRight", { shiftKey: true });
    expect(view()?.querySelector("canvas")).not.toBeNull();
    Reflect.deleteProperty(root, "requestFullscreen");
  });

  it("has no button for a full screen that the browser does not have", () => {
    const { viewer } = fakeViewer([camera("a")]);
    Object.defineProperty(HTMLElement.prototype, "requestFullscreen", {
      configurable: true,
      value: undefined,
    });
    render(<CameraGrid viewer={viewer} />);
    open("a");
    expect(document.body.textContent).not.toContain("ull screen");
    press("f");
    Reflect.deleteProperty(HTMLElement.prototype, "requestFullscreen");
  });

  it("moves the picture from the tile into the view and back", () => {
    const { viewer, opened, closed } = fakeViewer([camera("a")]);
    render(<CameraGrid viewer={viewer} />);
    const canvas = host.querySelector("canvas");
    open("a");
    expect(view()?.contains(canvas)).toBe(true);
    press("Escape");
    expect(host.contains(canvas)).toBe(true);
    expect([opened, closed]).toEqual([["a"], []]);
  });

  it("has the picture also if the cameras of the wall become known later", () => {
    const { viewer, update } = fakeViewer([]);
    render(<CameraGrid viewer={viewer} opened="a" />);
    update({ cameras: [camera("a"), camera("b")] });
    expect(view()?.querySelector(".sky-view__place canvas")).not.toBeNull();
  });

  it("names a saved picture after the time of the picture, not after the time of the click", async () => {
    const { viewer } = fakeViewer([camera("a")]);
    const saved: string[] = [];
    vi.spyOn(URL, "createObjectURL").mockReturnValue("blob:x");
    vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
      saved.push(this.download);
    });
    render(<CameraGrid viewer={viewer} />);
    open("a");
    press("s");
    await vi.waitFor(() => expect(saved).toEqual([`a_${fileStamp(TAKEN_AT)}.jpg`]));
    expect(saved[0]).toContain("14-03-22.4");
  });

  it("stays open and says so when the server does not know the camera", () => {
    const { viewer, update } = fakeViewer([camera("a")]);
    render(<CameraGrid viewer={viewer} opened="gone" />);
    expect(view()?.textContent).toContain("The server does not know this camera");
    render(<CameraGrid viewer={viewer} opened="a" />);
    update({ cameras: [] });
    expect(view()?.textContent).toContain("The server does not know this camera");
  });

  it("is open or closed as its owner says, and asks for changes", () => {
    const { viewer } = fakeViewer([camera("a"), camera("b")], fakeControls());
    const asked: unknown[] = [];
    render(<CameraGrid viewer={viewer} opened="a" onOpen={(id, step) => asked.push([id, step])} />);
    press("ArrowRight", { shiftKey: true });
    press("Escape");
    expect(view()?.dataset.view).toBe("a");
    expect(asked).toEqual([
      ["b", true],
      [null, false],
    ]);
  });
});
