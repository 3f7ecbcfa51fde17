import { describe, expect, it } from "vitest";
import { decodeViewerMessage } from "../../../src/core/viewer/messages.js";

const read = (message: object) => decodeViewerMessage(JSON.stringify(message));

describe("messages to viewers", () => {
  it("have the latency of each camera, without invalid entries", () => {
    const good = { clientId: "a", frames: 3, capture: null, server: 1, delivery: 20.5, total: 21.5 };
    const bad = [
      7,
      { ...good, clientId: "<b>" },
      { ...good, frames: -1 },
      { ...good, server: null },
      { ...good, delivery: "1" },
      { ...good, total: undefined },
    ];
    const { clientId: cameraId, ...stages } = good;
    expect(read({ type: "latency", cameras: [...bad, good] })).toEqual({
      type: "latency",
      cameras: [{ cameraId, ...stages }],
    });
    expect(read({ type: "latency" })).toBeNull();
  });

  it("have the position of a playback, if the server sends it", () => {
    const nowhere = { speed: 1, sequence: null, at: null, oldestAt: null, newestAt: null };
    expect(read({ type: "playback", clientId: "a", live: true })).toEqual({
      type: "playback",
      cameraId: "a",
      live: true,
      ...nowhere,
    });
    const somewhere = { speed: -0.5, sequence: 8, at: 5.5, oldestAt: 1, newestAt: 9 };
    expect(read({ type: "playback", clientId: "a", live: false, ...somewhere })).toEqual({
      type: "playback",
      cameraId: "a",
      live: false,
      ...somewhere,
    });
    expect(read({ type: "playback", clientId: "a" })).toBeNull();
    expect(read({ type: "playback", live: true })).toBeNull();
  });

  it("have boxes, reduced to harmless text", () => {
    const box = { x: 1, y: 2, width: 3, height: 4 };
    const boxes = [
      { ...box, label: "\u202ecat\u0000 <b>", score: 0.9, color: "#ffee00" },
      { ...box, label: 7, score: "high", color: "url(//evil)" },
      { ...box, x: 1e9 },
      { ...box, width: null },
      "box",
    ];
    expect(read({ type: "result", clientId: "a", sequence: 5, boxes, data: { any: 1 } })).toEqual({
      type: "result",
      cameraId: "a",
      sequence: 5,
      boxes: [{ ...box, label: "cat <b>", score: 0.9, color: "#ffee00" }, box],
    });
    expect(read({ type: "result", clientId: "a", sequence: 5 })).toMatchObject({ boxes: [] });
    const many = read({ type: "result", clientId: "a", sequence: 5, boxes: Array(5000).fill(box) });
    expect(many?.type === "result" && many.boxes.length).toBe(256);
  });

  it.each([
    { type: "result", clientId: "..", sequence: 1, boxes: [] },
    { type: "result", clientId: "a", sequence: 1.5, boxes: [] },
  ])("ignore an invalid result: %j", (message) => {
    expect(read(message)).toBeNull();
  });
});
