// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from "vitest";
import { PerformancePanel } from "../../src/pages/performance-panel.js";
import { cameraSnapshot, fakeViewer } from "./fake-viewer.js";
import { host, mountForEach, render } from "./mounting.js";

mountForEach();
beforeEach(() => {
  vi.stubGlobal("PerformanceObserver", { supportedEntryTypes: [] });
});

const latency = (cameraId: string, delivery: number) => ({
  cameraId,
  frames: 15,
  capture: 20,
  server: 0.5,
  delivery,
  total: delivery + 20.5,
});
const rows = () => [...host.querySelectorAll<HTMLElement>(".page-slow")];

describe("the drawer of figures", () => {
  it("has the slowest camera first, and says why it is slow", () => {
    const quick = cameraSnapshot("quick", { latency: latency("quick", 20), latencies: [40, 41] });
    const slow = cameraSnapshot("slow", { latency: latency("slow", 600), latencies: [500, 620.5] });
    const { viewer, update } = fakeViewer([quick, slow, cameraSnapshot("unknown")]);
    update({ roundTrip: 500 });
    render(<PerformancePanel viewer={viewer} />);
    expect(rows().map((row) => [row.dataset.camera, row.dataset.slow])).toEqual([
      ["slow", "link"],
      ["quick", undefined],
    ]);
    expect(rows()[0]?.textContent).toContain("Slow link +600 ms");
    expect(rows()[0]?.textContent).toContain("621 ms");
  });

  it("draws the latency of the last minute, the newest at the right", () => {
    const camera = cameraSnapshot("a", { latency: latency("a", 1), latencies: [50, 200] });
    const { viewer } = fakeViewer([camera]);
    render(<PerformancePanel viewer={viewer} />);
    const line = host.querySelector(".sky-spark");
    expect(line?.getAttribute("aria-label")).toBe("Latency of the last 2 seconds: 50 ms to 200 ms");
    expect(line?.querySelector("polyline")?.getAttribute("points")).toBe("118.0,20.5 120.0,1.0");
  });
});
