// @vitest-environment happy-dom
import { act } from "react";
import { createRoot } from "react-dom/client";
import { describe, expect, it, vi } from "vitest";
import { host, mountForEach, settle } from "./mounting.js";
import type { Demand } from "../../src/core/capture/demand.js";
import { DEFAULTS, type CaptureSettings } from "../../src/core/capture/settings.js";
import { CAMERA_OFF, NO_STATS, type CaptureSnapshot } from "../../src/core/capture/snapshot.js";
import { de } from "../../src/core/words/de/index.js";
import { createWords, ENGLISH } from "../../src/core/words/words.js";
import { CaptureSettingsForm } from "../../src/react/capture-settings-form.js";
import { describeReason, describeSending, describeViewers } from "../../src/react/capture-text.js";

const settings: CaptureSettings = { ...DEFAULTS, cameraId: "a", fps: 30 };

function snapshot(change: Partial<CaptureSnapshot>): CaptureSnapshot {
  return {
    ...CAMERA_OFF,
    camera: "on",
    connection: "on-air",
    live: true,
    summary: null,
    settings,
    cameraLabel: "",
    method: "",
    sending: { fps: 30, width: 1280, quality: 0.7 },
    narrow: false,
    stats: NO_STATS,
    ...change,
  };
}

const demand = (viewers: number): Demand => ({ viewers, maxFps: null, maxWidth: null, quality: null });
const reason = (change: Partial<CaptureSnapshot>) => describeReason(snapshot(change), ENGLISH)?.text ?? null;

describe("the text about what keeps the camera down", () => {
  const achieved = { ...NO_STATS, fps: 7.5, width: 1280, height: 720 };
  const sending = { fps: 60, width: 3840, quality: 0.7 };

  it.each([
    ["device", "This device manages 7.5 of 60 fps."],
    ["camera", "The camera delivers 7.5 of 60 fps."],
    ["uplink", "The uplink carries 7.5 of 60 fps."],
    [null, null],
  ] as const)("names the %s and what is achieved", (limit, words) => {
    expect(reason({ limit, sending, stats: achieved })).toBe(words);
  });

  it("is one line: what a person can mend goes before what viewers need", () => {
    const needed = { demand: demand(2), sending: { fps: 12, width: 640, quality: 0.7 } };
    expect(describeReason(snapshot({ ...needed, limit: "device" }), ENGLISH)?.isTrouble).toBe(true);
    expect(describeReason(snapshot(needed), ENGLISH)).toEqual({
      text: "Viewers need only 12 of 30 fps, 640 of 1280 px.",
      isTrouble: false,
    });
    expect(reason({ tooLarge: true })).toContain("takes no larger pictures");
    expect(reason({ limit: "device", refusedFrame: "expected a JPEG, got 6 bytes." })).toBe(
      "The server refused a picture: expected a JPEG, got 6 bytes.",
    );
    const german = createWords("de", de);
    const refusedFrame = "expected a JPEG, got 6 bytes";
    expect(describeReason(snapshot({ refusedFrame, refusedCode: "not-a-jpeg" }), german)?.text).toBe(
      "Der Server hat ein Bild abgelehnt: kein vollständiges JPEG.",
    );
    expect(reason({ demand: demand(1) })).toBeNull();
    expect(reason({})).toBeNull();
  });

  it("names an uplink for which the pictures were made smaller", () => {
    const narrow = { narrow: true, demand: demand(2), sending: { fps: 30, width: 640, quality: 0.45 } };
    expect(reason({ ...narrow, limit: "uplink" })).toBe(
      "The uplink is narrow: 30 fps at 640 px, quality 45%.",
    );
  });

  it("names viewers that need next to nothing", () => {
    const few = { fps: 0.2, width: 1280, quality: 0.7 };
    expect(reason({ demand: demand(0), sending: few, narrow: true })).toBe(
      "Nobody watches, so few pictures are sent.",
    );
    expect(reason({ demand: demand(1), sending: { ...few, fps: 0.4 } })).toBe(
      "Viewers need no more pictures.",
    );
  });
});

describe("the text about what is sent", () => {
  const stats = { ...NO_STATS, fps: 14.9, bytesPerSecond: 155_000, width: 480, height: 640 };

  it("says what is achieved, not what is wanted", () => {
    const sending = { fps: 60, width: 3840, quality: 0.7 };
    expect(describeSending(snapshot({ sending, stats }), ENGLISH)).toBe("15 fps · 640 px · 155 kB/s");
    expect(describeSending(snapshot({ sending: { ...sending, fps: 0.2 }, stats }), ENGLISH)).toBe(
      "one picture every 5 s · 640 px · 155 kB/s",
    );
    expect(describeSending(snapshot({}), ENGLISH)).toBeNull();
  });

  it("counts the viewers", () => {
    const viewers = (count: number) => describeViewers(snapshot({ demand: demand(count) }), ENGLISH);
    expect([0, 1, 1200].map(viewers)).toEqual(["0 viewers", "1 viewer", "1,200 viewers"]);
    expect(describeViewers(snapshot({}), ENGLISH)).toBeNull();
  });
});

describe("the switches", () => {
  it("turn demand and adaptation off, and leave still pictures out", () => {
    vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
    const host = document.createElement("div");
    document.body.append(host);
    const root = createRoot(host);
    const onChange = vi.fn();
    act(() => root.render(<CaptureSettingsForm settings={settings} cameraLabel="" onChange={onChange} />));
    const switches = [...host.querySelectorAll<HTMLInputElement>('input[type="checkbox"]')];
    expect(switches.map(({ checked }) => checked)).toEqual([true, true, false]);
    for (const one of switches) act(() => one.click());
    expect(onChange.mock.calls).toEqual([[{ demand: false }], [{ adapt: false }], [{ skipStill: true }]]);
    act(() => root.unmount());
    host.remove();
  });
});

describe("the settings", () => {
  const form = async (change: Partial<Parameters<typeof CaptureSettingsForm>[0]> = {}) => {
    const onChange = vi.fn();
    await settle(<CaptureSettingsForm settings={settings} cameraLabel="" onChange={onChange} {...change} />);
    return onChange;
  };
  const type = (label: string, value: string) => {
    const named = [...host.querySelectorAll("label")].find(({ textContent }) => textContent === label);
    const input = host.querySelector<HTMLInputElement>(`#${CSS.escape(named?.htmlFor ?? "")}`);
    act(() => {
      Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")?.set?.call(input, value);
      input?.dispatchEvent(new Event("input", { bubbles: true }));
    });
    act(() => void input?.dispatchEvent(new FocusEvent("focusout", { bubbles: true })));
  };
  mountForEach();

  it("offer the quality as one choice", async () => {
    const onChange = await form();
    const radios = [...host.querySelectorAll<HTMLInputElement>('input[type="radio"]')];
    expect(radios.map(({ checked }) => checked)).toEqual([false, false, false]);
    expect(host.textContent).toContain("1280 px, 30 fps, as set under Advanced");
    act(() => radios[0]?.click());
    expect(onChange).toHaveBeenCalledWith({ fps: 10, quality: 0.5, width: 640 });
    await form({ settings: { ...settings, fps: 15 } });
    expect(radios.map(({ checked }) => checked)).toEqual([false, true, false]);
    expect(host.querySelector("details")?.open).toBe(false);
  });

  it("let an id that nobody has chosen follow the name, but not while the camera is live", async () => {
    const unnamed = { ...settings, cameraId: "camera-abc234" };
    let onChange = await form({ settings: unnamed, canRename: true });
    type("Name", "Front door");
    expect(onChange).toHaveBeenCalledWith({ name: "Front door", cameraId: "front-door-abc234" });
    onChange = await form({ settings: unnamed });
    type("Name", "Back door");
    expect(onChange).toHaveBeenCalledWith({ name: "Back door" });
    onChange = await form({ canRename: true });
    type("Name", "Gate");
    expect(onChange).toHaveBeenCalledWith({ name: "Gate" });
  });
});
