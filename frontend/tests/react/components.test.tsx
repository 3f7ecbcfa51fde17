// @vitest-environment happy-dom
import { act } from "react";
import { describe, expect, it, vi } from "vitest";
import { now } from "../../src/core/clock.js";
import { CameraGrid } from "../../src/react/camera-grid.js";
import { formatAge, formatCount, formatFps, formatRate, formatTrip } from "../../src/react/format.js";
import { chooseLayout } from "../../src/react/layout.js";
import { LinkNotice, LinkStatus } from "../../src/react/link-status.js";
import { SkySentryClient } from "../../src/react/skysentry-client.js";
import { FakeSocket } from "../fakes.js";
import { cameraSnapshot as camera, fakeViewer } from "./fake-viewer.js";
import { host, mountForEach, render, settle } from "./mounting.js";

mountForEach();

const HOSTILE = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>`;

describe("the grid", () => {
  it("shows each camera's picture, state and figures", () => {
    const offline = camera("b", { status: "offline", takenAt: now() - 90_000 });
    const { viewer, opened } = fakeViewer([camera("a"), offline]);
    render(<CameraGrid viewer={viewer} />);
    expect(opened).toEqual(["a", "b"]);
    const [first, second] = host.querySelectorAll("article");
    expect(first?.querySelector("canvas")).not.toBeNull();
    expect(first?.textContent).toContain("Live");
    expect(first?.querySelector('[data-figure="fps"]')?.textContent).toBe("15 fps");
    expect(first?.querySelector('[data-figure="drops"]')?.textContent).toBe("3");
    expect(second?.textContent).toContain("last picture from 1 min ago");
  });

  it("counts the time since the last picture of a stalled camera", () => {
    vi.useFakeTimers();
    const { viewer } = fakeViewer([camera("a", { status: "stalled", takenAt: now() - 4000 })]);
    render(<CameraGrid viewer={viewer} />);
    expect(host.textContent).toContain("No new picture for 4.0 s");
    act(() => void vi.advanceTimersByTime(2000));
    expect(host.textContent).toContain("No new picture for 6.0 s");
    vi.useRealTimers();
  });

  it("keeps a camera's canvas while its figures change, and closes its surface at the end", () => {
    const { viewer, update, opened, closed } = fakeViewer([camera("a")]);
    render(<CameraGrid viewer={viewer} />);
    const canvas = host.querySelector("canvas");
    update({ cameras: [camera("a", { fps: 3 }), camera("b")] });
    expect(host.querySelector('[data-figure="fps"]')?.textContent).toBe("3.0 fps");
    expect(host.querySelector("canvas")).toBe(canvas);
    update({ cameras: [camera("b")] });
    expect(opened).toEqual(["a", "b"]);
    expect(closed).toEqual(["a"]);
  });

  it("opens one camera in full size, steps through them, and goes back", () => {
    const { viewer, update } = fakeViewer(["a", "b", "c"].map((id) => camera(id)));
    render(<CameraGrid viewer={viewer} hrefOf={(id) => `?c=${id}`} />);
    const full = () => host.querySelector(".sky-tile--full");
    const press = (key: string) =>
      act(() => void full()?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true })));
    act(() => host.querySelector<HTMLButtonElement>(".sky-tile__open")?.click());
    expect(full()?.getAttribute("data-camera")).toBe("a");
    expect(full()?.querySelector("a")?.getAttribute("href")).toBe("?c=a");
    expect(host.querySelectorAll("article[inert]")).toHaveLength(2);
    press("ArrowLeft");
    expect(full()?.getAttribute("data-camera")).toBe("c");
    press("ArrowRight");
    press("ArrowRight");
    expect(full()?.getAttribute("data-camera")).toBe("b");
    press("x");
    press("Escape");
    expect(full()).toBeNull();
    expect(document.activeElement?.textContent).toContain("Show b");
    act(() => host.querySelector<HTMLButtonElement>(".sky-tile__open")?.click());
    update({ cameras: [camera("b")] });
    expect(full()).toBeNull();
  });

  it("moves between cameras by arrow keys", () => {
    const { viewer } = fakeViewer(["a", "b"].map((id) => camera(id)));
    render(<CameraGrid viewer={viewer} />);
    const [first, second] = host.querySelectorAll<HTMLButtonElement>(".sky-tile__open");
    first?.focus();
    act(() => void first?.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true })));
    expect(document.activeElement).toBe(second);
  });

  it("shows a hostile label as text", () => {
    const { viewer } = fakeViewer([camera("a", { name: HOSTILE })]);
    render(<CameraGrid viewer={viewer} />);
    expect(host.querySelector("h2")?.textContent).toBe(HOSTILE);
    expect(host.querySelector("img, script")).toBeNull();
  });
});

describe("the layout", () => {
  it("uses the available space", () => {
    expect(chooseLayout(1, { width: 1400, height: 800 })).toEqual({ columns: 1, tileWidth: 1265 });
    expect(chooseLayout(4, { width: 1400, height: 800 }).columns).toBe(2);
    expect(chooseLayout(16, { width: 3800, height: 2080 }).columns).toBe(4);
  });

  it("lets the page scroll rather than make tiles unreadable", () => {
    expect(chooseLayout(16, { width: 336, height: 600 })).toEqual({ columns: 1, tileWidth: 336 });
    expect(chooseLayout(16, { width: 1416, height: 800 })).toEqual({ columns: 4, tileWidth: 345 });
    expect(chooseLayout(0, { width: 0, height: 0 }).columns).toBe(1);
  });
});

describe("the link's text", () => {
  it("explains a problem, and is empty without one", () => {
    render(<LinkNotice link="live" />);
    expect(host.textContent).toBe("");
    render(<LinkNotice link="polling" />);
    expect(host.textContent).toContain("plain HTTP");
    render(<LinkStatus link="unreachable" />);
    expect(host.textContent).toBe("Server unreachable");
  });
});

describe("figures", () => {
  it("read well at every size", () => {
    expect([0, 9.94, 14.96].map(formatFps)).toEqual(["0.0 fps", "9.9 fps", "15 fps"]);
    expect([500, 182_000, 2_800_000].map(formatRate)).toEqual(["1 kB/s", "182 kB/s", "2.8 MB/s"]);
    expect([null, 45.4, 1500, 45_000, 90_000, 7_200_000, 180_000_000].map(formatAge)).toEqual([
      "–",
      "45 ms",
      "1.5 s",
      "45 s",
      "1 min",
      "2 h",
      "2 d",
    ]);
    expect([null, 1.26, 45].map(formatTrip)).toEqual(["–", "1.3 ms", "45 ms"]);
    expect(formatCount(1_234_567)).toBe("1\u2009234\u2009567");
  });
});

describe("<SkySentryClient>", () => {
  it("explains why the page cannot use a camera", async () => {
    vi.stubGlobal("isSecureContext", false);
    await settle(<SkySentryClient clientId="door" />);
    expect(host.querySelector('[role="alert"]')?.textContent).toContain("not secure");
    expect(host.querySelector("section")?.getAttribute("aria-label")).toBe("Camera door");
  });

  it("starts by itself with its props, and stops when it is unmounted", async () => {
    const sockets: FakeSocket[] = [];
    vi.stubGlobal("isSecureContext", true);
    vi.stubGlobal("Worker", undefined);
    vi.stubGlobal(
      "WebSocket",
      class extends FakeSocket {
        constructor(url: string) {
          super(url);
          sockets.push(this);
        }
      },
    );
    vi.spyOn(HTMLVideoElement.prototype, "play").mockResolvedValue();
    Object.defineProperty(HTMLVideoElement.prototype, "srcObject", {
      configurable: true,
      writable: true,
      value: null,
    });
    const track = Object.assign(new EventTarget(), { label: "Fake camera", stop: vi.fn() });
    const getUserMedia = vi.fn(() => Promise.resolve({ getVideoTracks: () => [track] }));
    const mediaDevices = Object.assign(new EventTarget(), {
      getUserMedia,
      enumerateDevices: () => Promise.resolve([]),
    });
    vi.stubGlobal("navigator", { mediaDevices });
    const onSettingsChange = vi.fn();
    const element = (
      <SkySentryClient
        clientId="door"
        serverUrl="wss://host/cams/ws"
        autoStartCamera
        frameRate={90}
        onSettingsChange={onSettingsChange}
      />
    );
    await settle(element);
    expect(host.querySelector('[role="alert"]')?.textContent).toBe("");
    expect(sockets[0]?.url).toBe("wss://host/cams/ws");
    expect(onSettingsChange).toHaveBeenLastCalledWith(expect.objectContaining({ cameraId: "door", fps: 60 }));
    act(() => {
      sockets[0]?.accept();
      sockets[0]?.text({ type: "registration-success", clientId: "door" });
    });
    expect(host.textContent).toContain("On the air");
    act(() => sockets[0]?.drop(4001));
    expect(host.querySelector('[role="alert"]')?.textContent).toContain("now sends as door");
    const back = [...host.querySelectorAll("button")].find((button) => button.textContent === "Take it back");
    act(() => back?.click());
    expect(sockets).toHaveLength(2);
    render(null);
    expect(track.stop).toHaveBeenCalled();
  });

  it("accepts only a valid id, and only when the field is left", async () => {
    vi.stubGlobal("isSecureContext", false);
    const onSettingsChange = vi.fn();
    await settle(<SkySentryClient clientId="door" onSettingsChange={onSettingsChange} />);
    const input = host.querySelector<HTMLInputElement>('input[type="text"]');
    const type = (value: string) =>
      act(() => {
        Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")?.set?.call(input, value);
        input?.dispatchEvent(new Event("input", { bubbles: true }));
      });
    const leave = () => act(() => void input?.dispatchEvent(new FocusEvent("focusout", { bubbles: true })));
    type(HOSTILE);
    leave();
    expect(input?.getAttribute("aria-invalid")).toBe("true");
    type("gate");
    expect(onSettingsChange).toHaveBeenLastCalledWith(expect.objectContaining({ cameraId: "door" }));
    leave();
    expect(onSettingsChange).toHaveBeenLastCalledWith(expect.objectContaining({ cameraId: "gate" }));
  });
});
