// @vitest-environment happy-dom
import { act } from "react";
import { describe, expect, it } from "vitest";
import type { CameraSnapshot } from "../../src/core/viewer/camera.js";
import { fileStamp } from "../../src/react/file-stamp.js";
import { LinkNotice, LinkStatus, LostBanner } from "../../src/react/link-status.js";
import { StatusNote } from "../../src/react/status-text.js";
import { cameraSnapshot, fakeControls, fakeViewer } from "./fake-viewer.js";
import { host, mountForEach, render } from "./mounting.js";

mountForEach();

describe("the note of a camera", () => {
  const note = (change: Partial<CameraSnapshot>): string | null => {
    render(<StatusNote camera={cameraSnapshot("a", change)} lost={false} />);
    return host.textContent;
  };

  it("says what is wrong with live pictures, and nothing of old ones", () => {
    expect(note({})).toBe("");
    expect(note({ condition: "frozen" })).toBe("the picture is frozen");
    expect(note({ condition: "covered" })).toBe("the lens seems covered");
    expect(note({ status: "stopped", condition: "dark" })).toBe("Stopped by its owner");
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

describe("the banner of a lost connection", () => {
  it("says since when there is none, and tries again at once", () => {
    const requests: unknown[] = [];
    const { viewer, update } = fakeViewer([], fakeControls(requests));
    render(<LostBanner viewer={viewer} />);
    expect(host.textContent).toBe("");
    update({ link: "unreachable", lostAt: new Date(2026, 4, 1, 14, 3, 20).getTime() });
    expect(host.textContent).toContain("No connection since 14:03:20");
    act(() => host.querySelector("button")?.click());
    expect(requests).toEqual(["retry"]);
    update({ link: "live", lostAt: null });
    expect(host.textContent).toBe("");
  });
});

describe("the name of a saved picture", () => {
  it("says the time zone", () => {
    const at = new Date(2026, 10, 29, 4, 3, 2, 450).getTime();
    expect(fileStamp(at)).toMatch(/^2026-11-29_04-03-02\.4[+-]\d\d(\d\d)?$/);
  });
});
