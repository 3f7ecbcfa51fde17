// @vitest-environment happy-dom
import { act } from "react";
import { describe, expect, it } from "vitest";
import {
  formatAge,
  formatClock,
  formatCount,
  formatFor,
  formatFps,
  formatRate,
  formatStamp,
  formatTrip,
} from "../../src/react/format.js";
import { LinkNotice, LinkStatus, LostBanner } from "../../src/react/link-status.js";
import { fakeControls, fakeViewer } from "./fake-viewer.js";
import { host, mountForEach, render } from "./mounting.js";

mountForEach();

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

describe("times", () => {
  it("are the time of day, and names of files say their time zone", () => {
    const at = new Date(2026, 10, 29, 4, 3, 2, 450).getTime();
    expect(formatClock(at)).toBe("04:03:02");
    expect(formatClock(at, true)).toBe("04:03:02.4");
    expect(formatStamp(at)).toMatch(/^2026-11-29_04-03-02\.4[+-]\d\d(\d\d)?$/);
    expect([500, 8900, 61_000, -5].map(formatFor)).toEqual(["0 s", "8 s", "1 min", "0 s"]);
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
