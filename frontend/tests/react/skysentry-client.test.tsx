// @vitest-environment happy-dom
import { act } from "react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { CaptureSnapshot } from "../../src/core/capture/snapshot.js";
import { SkySentryClient } from "../../src/react/skysentry-client.js";
import { FakeSocket } from "../fakes.js";
import { host, mountForEach, render, settle } from "./mounting.js";

mountForEach();

const HOSTILE = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>`;

describe("<SkySentryClient>", () => {
  it("explains why the page cannot use a camera", async () => {
    vi.stubGlobal("isSecureContext", false);
    await settle(<SkySentryClient clientId="door" />);
    expect(host.querySelector('[role="alert"]')?.textContent).toContain("not secure");
    expect(host.querySelector("section")?.getAttribute("aria-label")).toBe("Camera door");
    const buttons = [...host.querySelectorAll(".sky-card button, .sky-thumb__main")];
    expect(buttons.map(({ textContent }) => textContent)).toEqual(["Watch cameras instead"]);
  });

  describe("with a camera", () => {
    let sockets: FakeSocket[];
    const capabilities = vi.fn(() => ({}));
    const applyConstraints = vi.fn(() => Promise.resolve());
    const track = Object.assign(new EventTarget(), {
      label: "Fake camera",
      stop: vi.fn(),
      getCapabilities: capabilities,
      getConstraints: () => ({}),
      getSettings: () => ({ facingMode: "user" }),
      applyConstraints,
    });
    const getUserMedia = vi.fn();
    const battery = { level: 0.71, charging: false };
    const share = vi.fn(() => Promise.resolve());

    beforeEach(() => {
      sockets = [];
      capabilities.mockReturnValue({});
      getUserMedia.mockReset().mockImplementation(() => Promise.resolve({ getVideoTracks: () => [track] }));
      Object.assign(battery, { level: 0.71 });
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
      const mediaDevices = Object.assign(new EventTarget(), {
        getUserMedia,
        enumerateDevices: () => Promise.resolve([]),
      });
      vi.stubGlobal("navigator", {
        mediaDevices,
        share,
        userAgent: "Firefox/150.0",
        getBattery: () => Promise.resolve(Object.assign(new EventTarget(), battery)),
      });
      vi.stubGlobal("matchMedia", () => ({ matches: true }));
    });

    const state = () => host.querySelector("section")?.getAttribute("data-state");
    const button = (name: string) =>
      [...host.querySelectorAll("button")].find(({ textContent }) => textContent === name);
    const press = async (name: string) => {
      expect(button(name), name).toBeDefined();
      await act(async () => {
        button(name)?.click();
        await new Promise((resolve) => setTimeout(resolve, 20));
      });
    };
    const accept = (viewers = 1) =>
      act(() => {
        sockets.at(-1)?.accept();
        sockets.at(-1)?.text({ type: "registration-success", clientId: "door" });
        sockets.at(-1)?.text({ type: "demand", viewers });
      });

    it("starts by itself with its props, and stops when it is unmounted", async () => {
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
      expect(onSettingsChange).toHaveBeenLastCalledWith(
        expect.objectContaining({ cameraId: "door", fps: 60 }),
      );
      accept();
      expect(state()).toBe("live");
      expect(host.querySelector(".sky-watch a")?.getAttribute("href")).toBe("https://host/cams/?client=door");
      act(() => sockets[0]?.drop(4001));
      expect(state()).toBe("taken-over");
      expect(host.querySelector('[role="alert"]')?.textContent).toContain("now sends as door");
      await press("Take it back");
      expect(sockets).toHaveLength(2);
      render(null);
      expect(track.stop).toHaveBeenCalled();
    });

    it("shows the picture first, goes live, stops, and goes live again", async () => {
      await settle(<SkySentryClient clientId="door" />);
      expect(state()).toBe("off");
      await press("Turn on the camera");
      expect(state()).toBe("previewing");
      expect(host.querySelector("video")?.getAttribute("data-mirrored")).toBe("true");
      expect(sockets).toHaveLength(0);
      await press("Go live");
      expect(state()).toBe("connecting");
      accept(0);
      expect(state()).toBe("unwatched");
      accept(2);
      expect(state()).toBe("live");
      expect(host.querySelector(".sky-chip")?.textContent).toContain("2 viewers");
      await press("Stop");
      expect(state()).toBe("off");
      await press("Turn on the camera");
      await press("Go live");
      expect(sockets).toHaveLength(2);
    });

    it("connects again at once when asked to", async () => {
      await settle(<SkySentryClient clientId="door" autoStartCamera />);
      accept();
      act(() => sockets[0]?.drop(1006));
      expect(state()).toBe("reconnecting");
      expect(host.querySelector(".sky-card__title")?.textContent).toMatch(/^Reconnecting( in \d s)?$/);
      await press("Retry now");
      expect(sockets.length).toBeGreaterThanOrEqual(2);
    });

    it("says where to allow a refused camera, and asks again", async () => {
      getUserMedia.mockRejectedValue(new DOMException("", "NotAllowedError"));
      await settle(<SkySentryClient clientId="door" />);
      await press("Turn on the camera");
      expect(state()).toBe("refused");
      expect(host.querySelector('[role="alert"]')?.textContent).toContain("crossed-out camera");
      getUserMedia.mockResolvedValue({ getVideoTracks: () => [track] });
      await press("Ask again");
      expect(state()).toBe("previewing");
    });

    it("never takes another id in place of an invalid one", async () => {
      const onSettingsChange = vi.fn();
      const states: CaptureSnapshot[] = [];
      const element = (clientId: string) => (
        <SkySentryClient
          clientId={clientId}
          autoStartCamera
          onSettingsChange={onSettingsChange}
          onStateChange={(snapshot) => states.push(snapshot)}
        />
      );
      await settle(element("front door!"));
      expect(state()).toBe("bad-id");
      expect(host.querySelector('[role="alert"]')?.textContent).toContain("“front door!” cannot be used");
      expect(getUserMedia).not.toHaveBeenCalled();
      expect(onSettingsChange).not.toHaveBeenCalled();
      expect(button("Turn on the camera")).toBeUndefined();
      await settle(element("gate"));
      expect(states.at(-1)?.settings.cameraId).toBe("gate");
      expect(states.at(-1)?.camera).toBe("on");
      await settle(element("back/door"));
      expect(state()).toBe("bad-id");
      expect(states.at(-1)?.camera).toBe("off");
      await press("Use gate instead");
      expect(states.at(-1)?.camera).toBe("on");
    });

    it("offers the torch, the zoom, the other camera and a dark screen", async () => {
      capabilities.mockReturnValue({ torch: true, zoom: { min: 1, max: 3 } });
      await settle(<SkySentryClient clientId="door" autoStartCamera />);
      accept();
      await press("Torch");
      expect(applyConstraints).toHaveBeenLastCalledWith({ advanced: [{ torch: true }] });
      expect(button("Torch")?.getAttribute("aria-pressed")).toBe("true");
      await press("2×");
      expect(applyConstraints).toHaveBeenLastCalledWith({ advanced: [{ torch: true, zoom: 2 }] });
      await press("Dark screen");
      const screen = host.querySelector("dialog");
      expect(screen?.textContent).toContain("Live, 1 viewer");
      act(() => screen?.querySelector("button")?.click());
      expect(host.querySelector("dialog")).toBeNull();
      expect(state()).toBe("live");
      await press("Other side");
      expect(getUserMedia).toHaveBeenLastCalledWith(
        expect.objectContaining({
          video: expect.objectContaining({ facingMode: { ideal: "user" } }) as unknown,
        }),
      );
    });

    it("warns when the battery is nearly empty", async () => {
      await settle(<SkySentryClient clientId="door" />);
      expect(host.querySelector(".sky-lasting")?.textContent).toBe("Battery 71%");
      render(null);
      battery.level = 0.14;
      await settle(<SkySentryClient clientId="door" />);
      expect(host.querySelector(".sky-battery")?.textContent).toContain("Battery 14%. Connect a charger");
      expect(host.querySelector(".sky-lasting")).toBeNull();
    });

    it("opens the settings and the link in a sheet, which Escape closes", async () => {
      await settle(<SkySentryClient clientId="door" />);
      const panel = () => host.querySelector(".sky-panel");
      button("Settings")?.focus();
      await press("Settings");
      expect(panel()?.getAttribute("data-sheet")).toBe("settings");
      expect(document.activeElement).toBe(panel());
      expect(host.querySelector(".sky-capture")?.hasAttribute("inert")).toBe(true);
      await act(async () => {
        panel()?.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
        await new Promise((resolve) => setTimeout(resolve, 5));
      });
      expect(panel()?.getAttribute("data-sheet")).toBeNull();
      await vi.waitFor(() => expect(document.activeElement === button("Settings")).toBe(true));
      await press("Share");
      await press("Send the link");
      expect(share).toHaveBeenCalledWith(
        expect.objectContaining({ url: expect.stringMatching("client=door$") as unknown }),
      );
    });
  });

  it("accepts only a valid id, and only when the field is left", async () => {
    vi.stubGlobal("isSecureContext", false);
    const onSettingsChange = vi.fn();
    await settle(<SkySentryClient clientId="door" onSettingsChange={onSettingsChange} />);
    const input = host.querySelector<HTMLInputElement>('.sky-fold input[type="text"]');
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
