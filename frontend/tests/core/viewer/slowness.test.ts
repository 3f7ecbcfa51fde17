import { describe, expect, it } from "vitest";
import type { CameraSnapshot } from "../../../src/core/viewer/camera.js";
import { whySlow, worstFirst } from "../../../src/core/viewer/slowness.js";
import { cameraSnapshot } from "../../react/fake-viewer.js";

const latency = (capture: number | null, server: number, delivery: number) => ({
  cameraId: "a",
  frames: 15,
  capture,
  server,
  delivery,
  total: (capture ?? 0) + server + delivery,
});
const slow = (change: Partial<CameraSnapshot>, roundTrip: number | null = 10) =>
  whySlow(cameraSnapshot("a", change), roundTrip);

describe("why pictures are late", () => {
  it("needs no reason while they are fresh, or while nothing is known", () => {
    expect(slow({ latency: latency(20, 1, 100) })).toBeNull();
    expect(slow({ latency: null })).toBeNull();
    expect(slow({ latency: latency(2000, 1, 1), status: "offline" })).toBeNull();
  });

  it.each([
    ["the camera, if the capture takes longest", latency(400, 1, 100), 10, { part: "camera", delay: 400 }],
    ["the server", latency(null, 400, 100), 10, { part: "server", delay: 400 }],
    ["the link, if questions take long too", latency(20, 1, 600), 500, { part: "link", delay: 600 }],
    ["this device, if questions are quick", latency(20, 1, 600), 10, { part: "device", delay: 600 }],
    ["this device, if no question was answered", latency(20, 1, 600), null, { part: "device", delay: 600 }],
  ])("is %s", (_, measured, roundTrip, expected) => {
    expect(slow({ latency: measured }, roundTrip)).toEqual(expected);
  });

  it("is the wait for boxes, if a person has asked for exact ones", () => {
    expect(slow({ latency: latency(1, 1, 360), boxDelay: 350 })).toEqual({ part: "detector", delay: 350 });
  });

  it("is a camera that sends nothing", () => {
    expect(slow({ status: "stalled" })).toEqual({ part: "silent", delay: null });
    expect(slow({ status: "stalled", reachable: false })).toEqual({ part: "unreachable", delay: null });
  });
});

it("the camera with the oldest pictures over the last seconds is first", () => {
  const camera = (id: string, latencies: number[], change: Partial<CameraSnapshot> = {}) =>
    cameraSnapshot(id, { latency: latency(1, 1, 1), latencies, ...change });
  const cameras = [
    camera("spike", [10, 10, 10, 10, 300]),
    camera("slow", [200, 200, 200, 200, 180]),
    camera("unknown", [], { latency: null }),
    camera("silent", [], { status: "stalled" }),
    camera("quick", [20, 20]),
  ];
  expect(worstFirst(cameras).map(({ cameraId }) => cameraId)).toEqual(["silent", "slow", "spike", "quick"]);
});
