// @vitest-environment happy-dom
import { act } from "react";
import { createRoot } from "react-dom/client";
import { describe, expect, it, vi } from "vitest";
import type { Demand } from "../../src/core/capture/demand.js";
import { DEFAULTS, type CaptureSettings } from "../../src/core/capture/settings.js";
import { CAMERA_OFF, NO_STATS, type CaptureSnapshot } from "../../src/core/capture/snapshot.js";
import { CaptureSettingsForm } from "../../src/react/capture-settings-form.js";
import {
  describeDemand,
  describeLimit,
  describeRefusal,
  describeUplink,
} from "../../src/react/capture-text.js";

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

describe("the text about what keeps the camera down", () => {
  const achieved = { ...NO_STATS, fps: 7.5, width: 1280, height: 720 };
  const sending = { fps: 60, width: 3840, quality: 0.7 };

  it.each([
    ["device", "This device manages 7.5 of 60 fps."],
    ["camera", "The camera delivers 7.5 of 60 fps."],
    ["uplink", "The connection carries 7.5 of 60 fps."],
    [null, null],
  ] as const)("names the %s and what is achieved", (limit, words) => {
    expect(describeLimit(snapshot({ limit, sending, stats: achieved }))).toBe(words);
  });

  it("says that once only, and says that pictures are too large", () => {
    expect(describeLimit(snapshot({ limit: "uplink", narrow: true, sending }))).toBeNull();
    expect(describeLimit(snapshot({ tooLarge: true }))).toContain("takes no larger pictures");
    expect(describeLimit(snapshot({}))).toBeNull();
  });

  it("never claims more than is achieved", () => {
    const shown = snapshot({
      demand: demand(1),
      limit: "camera",
      settings: { ...settings, fps: 60, width: 3840 },
      sending,
      stats: achieved,
    });
    expect(describeDemand(shown)).toBe("1 is watching, sending 7.5 of 60 fps at 1280 px, quality 70 %.");
  });

  it("gives the server's reason for a refused picture", () => {
    expect(describeRefusal(snapshot({ refusedFrame: "expected a JPEG, got 6 bytes" }))).toBe(
      "The server refused a picture: expected a JPEG, got 6 bytes.",
    );
    expect(describeRefusal(snapshot({}))).toBeNull();
  });
});

const demand = (viewers: number): Demand => ({ viewers, maxFps: null, maxWidth: null, quality: null });

describe("the text about what is sent", () => {
  it.each([
    [
      3,
      { fps: 12, width: 640, quality: 0.6 },
      "3 are watching, sending 12 of 30 fps at 640 px, quality 60 %.",
    ],
    [
      1,
      { fps: 7.5, width: 640, quality: 0.333 },
      "1 is watching, sending 7.5 of 30 fps at 640 px, quality 33 %.",
    ],
    [
      1200,
      { fps: 30, width: 1280, quality: 0.7 },
      "1,200 are watching, sending 30 fps at 1280 px, quality 70 %.",
    ],
    [0, { fps: 0.2, width: 1280, quality: 0.7 }, "Nobody is watching, one picture every 5 s."],
    // A program reads single frames over HTTP.
    [
      0,
      { fps: 2, width: 1280, quality: 0.7 },
      "Nobody is watching, sending 2 of 30 fps at 1280 px, quality 70 %.",
    ],
    [2, { fps: 0.4, width: 1280, quality: 0.7 }, "2 are watching, one picture every 2.5 s."],
  ])("with %i viewers", (viewers, sending, words) => {
    expect(describeDemand(snapshot({ demand: demand(viewers), sending }))).toBe(words);
  });

  it("is empty while demand is unknown", () => {
    expect(describeDemand(snapshot({}))).toBeNull();
    expect(describeUplink(snapshot({}))).toBeNull();
  });

  it("shows what is sent over a slow uplink", () => {
    const sending = { fps: 30, width: 640, quality: 0.45 };
    const narrow = snapshot({ narrow: true, demand: demand(2), sending });
    expect(describeDemand(narrow)).toBe("2 are watching.");
    expect(describeUplink(narrow)).toBe("The uplink is narrow: sending 30 fps at 640 px, quality 45 %.");
  });
});

describe("the switches", () => {
  it("turn demand and adaptation off", () => {
    vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
    const host = document.createElement("div");
    document.body.append(host);
    const root = createRoot(host);
    const onChange = vi.fn();
    act(() => root.render(<CaptureSettingsForm settings={settings} cameraLabel="" onChange={onChange} />));
    const switches = [...host.querySelectorAll<HTMLInputElement>('input[type="checkbox"]')];
    expect(switches.map(({ checked }) => checked)).toEqual([true, true]);
    for (const one of switches) act(() => one.click());
    expect(onChange.mock.calls).toEqual([[{ demand: false }], [{ adapt: false }]]);
    act(() => root.unmount());
    host.remove();
  });
});
