import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { FrameHeader } from "../../../src/core/protocol.js";
import type { PaintedFrame } from "../../../src/core/viewer/painter.js";
import { ViewerSession, type ViewerOptions } from "../../../src/core/viewer/session.js";
import { envelope, fakeNetwork, JPEG } from "../../fakes.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const picture = (sequence: number, change: Partial<PaintedFrame> = {}): PaintedFrame => ({
  mark: mark(sequence),
  paintedAt: performance.timeOrigin + performance.now(),
  width: 640,
  height: 480,
  ...change,
});
const mark = (sequence: number, live = true) => ({ sequence, takenAt: 0, live });

function build(options: Partial<ViewerOptions> = {}, serve: () => Promise<Response> = unreachable) {
  const network = fakeNetwork();
  const shown: FrameHeader[] = [];
  const fetch = vi.fn<(url: string, options?: RequestInit) => Promise<Response>>(serve);
  const session = new ViewerSession({
    page: "http://host/stream",
    openSocket: network.open,
    fetch: fetch as unknown as typeof globalThis.fetch,
    ...options,
  });
  session.showOn({ show: (header) => shown.push(header) });
  const state = () => session.snapshot.getSnapshot();
  const camera = (id: string) => state().cameras.find(({ cameraId }) => cameraId === id);
  const connect = () => {
    session.start();
    network.last.accept();
    network.last.text({ type: "hello" });
  };
  return { network, session, shown, fetch, state, camera, connect };
}

function unreachable(): Promise<Response> {
  return Promise.reject(new TypeError("failed to fetch"));
}

describe("a viewer session by WebSocket", () => {
  it("asks for envelopes of all cameras, or of the named ones", () => {
    const all = build();
    all.connect();
    expect(all.network.last.url).toBe("ws://host/stream/ws");
    expect(all.network.last.protocols).toEqual(["skysentry.v1"]);
    const named = build({ cameras: ["a", "b"] });
    named.connect();
    expect(named.network.last.url).toBe("ws://host/stream/ws?client=a&client=b");
    expect(named.state().cameras.map(({ status }) => status)).toEqual(["waiting", "waiting"]);
    all.session.stop();
    named.session.stop();
  });

  it("passes frames to the sink and collects the figures", () => {
    const { network, session, shown, state, camera, connect } = build();
    connect();
    expect(state().link).toBe("live");
    network.last.text({ type: "clients", clients: [{ clientId: "b", name: "Beta", online: true }] });
    for (let i = 1; i <= 20; i++) {
      vi.advanceTimersByTime(100);
      network.last.binary(envelope("a", i));
      session.onPainted("a", picture(i));
      session.onDropped("a", mark(i), false);
    }
    vi.advanceTimersByTime(400);
    expect(shown).toHaveLength(20);
    expect(camera("a")).toMatchObject({ status: "live", painted: 20, dropped: 20, width: 640, sequence: 20 });
    expect(camera("b")).toMatchObject({ status: "waiting", name: "Beta" });
    expect(state().totals).toMatchObject({ cameras: 2, live: 1, dropped: 20 });
    expect(state().totals.receivedFps).toBeGreaterThan(5);
    session.onPainted("gone", picture(1));
    session.onDropped("gone", mark(1), false);
    session.stop();
  });

  it("ignores invalid messages and unwanted cameras", () => {
    const { network, session, shown, state, connect } = build({ cameras: ["a"] });
    connect();
    network.last.binary(new Uint8Array([0, 1, 2]));
    network.last.binary(envelope("b", 1));
    network.last.text({ type: "client-connected", clientId: "b" });
    network.last.text({ type: "registration-error", error: "?" });
    network.last.text({ type: "unheard-of" });
    expect(shown).toEqual([]);
    expect(state().cameras.map(({ cameraId }) => cameraId)).toEqual(["a"]);
    session.stop();
  });

  it("follows cameras that connect, disconnect and are forgotten", () => {
    const { network, session, camera, connect } = build();
    connect();
    network.last.text({ type: "client-connected", clientId: "a", name: "Alpha" });
    expect(camera("a")).toMatchObject({ name: "Alpha", status: "waiting" });
    network.last.text({ type: "client-disconnected", clientId: "a" });
    expect(camera("a")?.status).toBe("offline");
    network.last.text({ type: "client-disconnected", clientId: "a", removed: true });
    expect(camera("a")).toBeUndefined();
    network.last.text({ type: "client-disconnected", clientId: "never" });
    session.stop();
  });

  it("keeps a named camera in the list when the server forgets it", () => {
    const { network, session, camera, connect } = build({ cameras: ["a"] });
    connect();
    network.last.text({ type: "client-connected", clientId: "a" });
    network.last.text({ type: "clients", clients: [] });
    expect(camera("a")).toMatchObject({ status: "unknown", known: false });
    network.last.text({ type: "client-connected", clientId: "a" });
    expect(camera("a")).toMatchObject({ status: "waiting", known: true });
    network.last.text({ type: "client-disconnected", clientId: "a", removed: true });
    expect(camera("a")).toMatchObject({ status: "unknown", known: false });
    session.stop();
  });

  it("removes cameras that a restarted server does not know", () => {
    const { network, session, state, connect } = build();
    connect();
    network.last.binary(envelope("a", 1));
    network.last.text({ type: "clients", clients: [{ clientId: "b", online: true }] });
    expect(state().cameras.map(({ cameraId }) => cameraId)).toEqual(["b"]);
    session.stop();
  });

  it("sorts by label, and compares digits as numbers", () => {
    const { network, session, state, connect } = build();
    connect();
    const clients = ["cam10", "cam2", "x"].map((clientId) => ({
      clientId,
      name: clientId === "x" ? "Cam 1" : clientId,
    }));
    network.last.text({ type: "clients", clients: [...clients, { clientId: "y", name: "Cam 1" }] });
    expect(state().cameras.map(({ cameraId }) => cameraId)).toEqual(["x", "y", "cam2", "cam10"]);
    session.stop();
  });

  it("calls no camera live or offline while the server does not answer, and says since when", async () => {
    const { network, session, state, camera, connect } = build();
    connect();
    network.last.text({
      type: "clients",
      clients: [
        { clientId: "a", online: true },
        { clientId: "b", online: false },
      ],
    });
    for (let i = 1; i <= 3; i++) session.onPainted("a", picture(i));
    vi.advanceTimersByTime(400);
    expect(camera("a")?.status).toBe("live");
    const before = performance.timeOrigin + performance.now();
    network.last.drop();
    expect(state().lostAt).toBeCloseTo(before, -1);
    expect([camera("a")?.status, camera("b")?.status]).toEqual(["unknown", "unknown"]);
    await vi.advanceTimersByTimeAsync(3000);
    expect(state().link).toBe("unreachable");
    expect(state().lostAt).toBeCloseTo(before, -1);
    session.retry();
    network.last.accept();
    network.last.text({ type: "hello" });
    expect(state()).toMatchObject({ link: "live", lostAt: null });
    expect(camera("a")?.status).toBe("waiting");
    session.retry();
    expect(state().link).toBe("live");
    session.stop();
  });

  it("calls a silent server lost, although its socket is open", () => {
    const { network, session, state, camera, connect } = build();
    connect();
    const { sentAt } = network.last.sentMessages("clock")[0] as { sentAt: number };
    network.last.text({ type: "clock", sentAt, serverAt: sentAt });
    network.last.text({ type: "clients", clients: [{ clientId: "a", online: true }] });
    session.onPainted("a", picture(1));
    vi.advanceTimersByTime(6000);
    expect(state().link).toBe("live");
    const { lostAt } = state();
    expect(lostAt).not.toBeNull();
    expect(camera("a")?.status).toBe("unknown");
    // Trying again on a new connection, which does not open either, does not make the server answer.
    session.retry();
    vi.advanceTimersByTime(800);
    expect(network.sockets).toHaveLength(2);
    expect(state()).toMatchObject({ link: "connecting", lostAt });
    expect(camera("a")?.status).toBe("unknown");
    session.stop();
  });

  it("measures the round trip", () => {
    const { network, session, state, connect } = build();
    connect();
    const { sentAt } = network.last.sentMessages("clock")[0] as { sentAt: number };
    vi.advanceTimersByTime(25);
    network.last.text({ type: "clock", sentAt, serverAt: sentAt });
    vi.advanceTimersByTime(400);
    expect(state().roundTrip).toBeCloseTo(25, 0);
    session.stop();
  });

  it("replaces a connection that is open but dead", () => {
    const { network, session, connect } = build();
    connect();
    const { sentAt } = network.last.sentMessages("clock")[0] as { sentAt: number };
    network.last.text({ type: "clock", sentAt, serverAt: sentAt });
    vi.advanceTimersByTime(20_000);
    expect(network.sockets.length).toBeGreaterThan(1);
    session.stop();
  });

  it("works without a sink", () => {
    const { network, session, camera, connect } = build();
    session.showOn(null);
    connect();
    network.last.binary(envelope("a", 1));
    vi.advanceTimersByTime(400);
    expect(camera("a")?.sequence).toBe(1);
    session.stop();
  });
});

describe("acks", () => {
  const answerClock = (network: ReturnType<typeof build>["network"], offset: number) => {
    for (const { sentAt } of network.last.sentMessages("clock") as { sentAt: number }[])
      network.last.text({ type: "clock", sentAt, serverAt: sentAt + offset });
  };

  it("have the time of painting by the server's clock, once that is known", () => {
    const { network, session, connect } = build();
    connect();
    network.last.binary(envelope("a", 1));
    session.onPainted("a", picture(1));
    expect(network.last.sentMessages("ack")).toEqual([{ type: "ack", clientId: "a", sequence: 1 }]);
    answerClock(network, 5000);
    network.last.binary(envelope("a", 2));
    network.last.binary(envelope("a", 3));
    const at = performance.timeOrigin + performance.now();
    session.onPainted("a", picture(3, { paintedAt: at + 60_000 }));
    const { paintedAt, ...ack } = network.last.sentMessages("ack")[1] ?? {};
    expect(ack).toEqual({ type: "ack", clientId: "a", sequence: 3 });
    expect(paintedAt).toBeCloseTo(at + 5000, 3);
    session.stop();
  });

  it("have a likely time if the worker's clock is far off", () => {
    const { network, session, connect } = build();
    connect();
    answerClock(network, 0);
    network.last.binary(envelope("a", 1));
    const at = performance.timeOrigin + performance.now();
    session.onPainted("a", picture(1, { paintedAt: at - 3_600_000 }));
    expect(network.last.sentMessages("ack")[0]?.paintedAt).toBeCloseTo(at, 3);
    session.stop();
  });

  it("leave the time out for frames of a playback and for frames that are never painted", () => {
    const { network, session, connect } = build();
    connect();
    answerClock(network, 0);
    for (const sequence of [1, 2, 3, 4]) network.last.binary(envelope("a", sequence));
    session.onPainted("a", picture(1, { mark: mark(1, false) }));
    session.onDropped("a", mark(2), true);
    session.onDropped("a", mark(3), false);
    session.onUnpaintable("a", mark(4));
    session.onPainted("a", picture(4));
    const acks = [1, 2, 4].map((sequence) => ({ type: "ack", clientId: "a", sequence }));
    expect(network.last.sentMessages("ack")).toEqual(acks);
    session.stop();
  });

  it("cover frames that are not shown: those of a paused viewer, and duplicates", () => {
    const { network, session, connect } = build();
    connect();
    network.last.binary(envelope("a", 1));
    network.last.binary(envelope("a", 1));
    session.setPaused(true);
    network.last.binary(envelope("a", 2));
    expect(network.last.sentMessages("ack").map(({ sequence }) => sequence)).toEqual([1, 2]);
    session.stop();
  });

  it("are not sent to a server that did not agree on the protocol, nor without a sink", () => {
    const { network, session } = build();
    session.start();
    network.last.accept("");
    network.last.binary(envelope("a", 1));
    session.onPainted("a", picture(1));
    expect(network.last.sentMessages("ack")).toEqual([]);
    session.stop();
    session.showOn(null);
    session.start();
    network.last.accept();
    network.last.binary(envelope("a", 1));
    session.onPainted("a", picture(1));
    expect(network.last.sentMessages("ack")).toEqual([]);
    session.stop();
  });

  it("are not sent for frames of the previous connection", () => {
    const { network, session, connect } = build();
    connect();
    network.last.binary(envelope("a", 1));
    network.last.drop();
    vi.advanceTimersByTime(500);
    network.last.accept();
    session.onPainted("a", picture(1));
    expect(network.last.sentMessages("ack")).toEqual([]);
    session.stop();
  });
});

describe("a viewer that reports what is visible", () => {
  it("subscribes only to visible cameras, also after a reconnect, and calls no other camera live or stalled", () => {
    const { network, session, camera, connect } = build();
    connect();
    for (const id of ["a", "b"]) {
      network.last.binary(envelope(id, 1));
      session.onPainted(id, picture(1));
      session.onPainted(id, picture(2));
    }
    vi.advanceTimersByTime(400);
    expect([camera("a")?.status, camera("b")?.status]).toEqual(["live", "live"]);
    session.setShownWidth("a", 600);
    session.setShownWidth("b", null);
    vi.advanceTimersByTime(200);
    const subscribe = { type: "subscribe", clients: ["a"], maxWidth: 640 };
    expect(network.last.sentMessages("subscribe")).toEqual([subscribe]);
    vi.advanceTimersByTime(8000);
    expect(camera("a")?.status).toBe("stalled");
    expect(camera("b")?.status).toBe("unknown");
    session.setShownWidth("b", 600);
    vi.advanceTimersByTime(200);
    expect(camera("b")?.status).toBe("waiting");
    network.last.binary(envelope("a", 3));
    network.last.binary(envelope("b", 99));
    vi.advanceTimersByTime(400);
    expect(camera("a")).toMatchObject({ dropped: 1 });
    expect(camera("b")).toMatchObject({ dropped: 0, sequence: 99 });
    session.setShownWidth("b", null);
    vi.advanceTimersByTime(200);
    network.last.drop();
    vi.advanceTimersByTime(500);
    network.last.accept();
    expect(network.last.sentMessages("subscribe")).toEqual([subscribe]);
    session.stop();
  });

  it("counts no dropped frames if it asked for a lower rate", () => {
    const { network, session, camera, connect } = build({ maxFps: 5 });
    connect();
    expect(network.last.url).toBe("ws://host/stream/ws?maxFps=5");
    network.last.binary(envelope("a", 1));
    network.last.binary(envelope("a", 7));
    vi.advanceTimersByTime(400);
    expect(camera("a")).toMatchObject({ dropped: 0, sequence: 7 });
    session.stop();
  });

  it("shows the latency that the server reports", () => {
    const { network, session, camera, connect } = build();
    connect();
    network.last.binary(envelope("a", 1));
    const stages = { frames: 3, capture: 10, server: 1, delivery: 20, total: 31 };
    const cameras = ["a", "unknown"].map((clientId) => ({ clientId, ...stages }));
    network.last.text({ type: "latency", cameras });
    vi.advanceTimersByTime(400);
    expect(camera("a")?.latency).toEqual({ ...stages, cameraId: "a" });
    session.stop();
  });
});

describe("a viewer during a playback", () => {
  it("sends the position, and shows where it is", () => {
    const { network, session, camera, connect } = build();
    connect();
    network.last.binary(envelope("a", 9));
    session.seek("a", { back: 5 }, 0.5);
    expect(network.last.sentMessages("seek")).toEqual([{ type: "seek", clientId: "a", back: 5, speed: 0.5 }]);
    const playback = { type: "playback", clientId: "a", speed: 0.5, sequence: 3, at: 40, oldestAt: 10 };
    network.last.text({ ...playback, live: false, newestAt: 90 });
    network.last.text({ ...playback, clientId: "unknown", live: false, newestAt: 90 });
    expect(camera("a")?.playback).toMatchObject({ live: false, speed: 0.5, sequence: 3, at: 40 });
    vi.advanceTimersByTime(100);
    session.onPainted("a", picture(4, { mark: { sequence: 4, takenAt: 50, live: false } }));
    expect(camera("a")?.playback).toMatchObject({ sequence: 4, at: 50 });
    session.goLive("a");
    expect(network.last.sentMessages("live")).toEqual([{ type: "live", clientId: "a" }]);
    // The next connection starts live.
    network.last.drop();
    vi.advanceTimersByTime(2500);
    expect(camera("a")?.playback).toBeNull();
    session.stop();
  });

  it("knows the address of a clip", () => {
    const { session } = build();
    expect(session.clipUrl("a", 0.9, 1500.4, "mkv")).toBe(
      "http://host/api/clients/a/clip?from=1970-01-01T00%3A00%3A00.000Z&to=1970-01-01T00%3A00%3A01.501Z&format=mkv",
    );
  });
});

describe("a viewer of detection results", () => {
  const box = { x: 1, y: 2, width: 3, height: 4 };

  it("paints at once by default, however slow the detector is, and boxes trail and fade", () => {
    const drawn: [number, number, number][] = [];
    const { network, session, camera, state, connect } = build();
    session.showOn({
      show: (header, _, boxes, opacity = 1) => drawn.push([header.sequence, boxes.length, opacity]),
    });
    connect();
    expect(state().exactBoxes).toBe(false);
    network.last.binary(envelope("a", 1));
    vi.advanceTimersByTime(400);
    network.last.text({ type: "result", clientId: "a", sequence: 1, boxes: [box] });
    network.last.binary(envelope("a", 2));
    vi.advanceTimersByTime(1000);
    network.last.binary(envelope("a", 3));
    vi.advanceTimersByTime(600);
    network.last.binary(envelope("a", 4));
    expect(drawn.map(([sequence, boxes]) => [sequence, boxes])).toEqual([
      [1, 0],
      [2, 1],
      [3, 1],
      [4, 0],
    ]);
    expect(drawn[1]?.[2]).toBe(1);
    expect(drawn[2]?.[2]).toBeCloseTo(0.5);
    vi.advanceTimersByTime(400);
    expect(camera("a")).toMatchObject({ hasResults: true, boxDelay: 0 });
    expect(camera("a")?.marks).toHaveLength(1);
    session.stop();
  });

  it("says by how much exact boxes delay the picture", () => {
    const { network, session, camera, connect } = build();
    session.setExactBoxes(true);
    connect();
    network.last.binary(envelope("a", 1));
    network.last.text({ type: "result", clientId: "a", sequence: 1, boxes: [box] });
    for (let sequence = 2; sequence < 40; sequence++) {
      network.last.binary(envelope("a", sequence));
      vi.advanceTimersByTime(300);
      network.last.text({ type: "result", clientId: "a", sequence, boxes: [] });
    }
    vi.advanceTimersByTime(400);
    expect(camera("a")?.boxDelay).toBe(300);
    session.setExactBoxes(false);
    vi.advanceTimersByTime(400);
    expect(camera("a")?.boxDelay).toBe(0);
    session.stop();
  });

  it("shows boxes on exactly their frame if asked, and acknowledges the frame when it arrives", () => {
    const { network, session, shown, camera, connect } = build();
    session.setExactBoxes(true);
    connect();
    network.last.binary(envelope("a", 1));
    const result = (sequence: number, clientId = "a") =>
      network.last.text({ type: "result", clientId, sequence, boxes: [box] });
    result(1);
    result(1, "unknown");
    network.last.binary(envelope("a", 2));
    expect(shown.map(({ sequence }) => sequence)).toEqual([1]);
    expect(network.last.sentMessages("ack")).toEqual([{ type: "ack", clientId: "a", sequence: 2 }]);
    network.last.binary(envelope("a", 3));
    result(3);
    expect(shown.map(({ sequence }) => sequence)).toEqual([1, 3]);
    vi.advanceTimersByTime(400);
    expect(camera("a")).toMatchObject({ hasResults: true, dropped: 1 });
    network.last.binary(envelope("a", 2, { live: false }));
    expect(shown).toHaveLength(3);
    session.setBoxesShown(false);
    network.last.binary(envelope("a", 4));
    expect(shown).toHaveLength(4);
    session.setBoxesShown(true);
    network.last.binary(envelope("a", 5));
    expect(shown).toHaveLength(4);
    network.last.text({ type: "client-disconnected", clientId: "a", removed: true });
    vi.advanceTimersByTime(1000);
    expect(shown).toHaveLength(4);
    session.stop();
  });
});

describe("a paused viewer", () => {
  it("pauses on the server, also after a reconnect, and shows no frames", () => {
    const { network, session, shown, state, connect } = build();
    connect();
    session.setPaused(true);
    session.setPaused(true);
    expect(network.last.sentMessages("pause")).toHaveLength(1);
    network.last.binary(envelope("a", 1));
    expect(shown).toEqual([]);
    network.last.drop();
    vi.advanceTimersByTime(500);
    network.last.accept();
    expect(network.last.sentMessages("pause")).toHaveLength(1);
    session.setPaused(false);
    expect(network.last.sentMessages("resume")).toHaveLength(1);
    network.last.binary(envelope("a", 500));
    expect(shown).toHaveLength(1);
    expect(state().paused).toBe(false);
    vi.advanceTimersByTime(400);
    expect(state().totals.dropped).toBe(0);
    session.stop();
  });

  it("does not poll", async () => {
    const { network, session, fetch, connect } = build();
    connect();
    session.setPaused(true);
    network.last.drop();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(fetch).not.toHaveBeenCalled();
    session.setPaused(false);
    await vi.advanceTimersByTimeAsync(3000);
    expect(fetch).toHaveBeenCalled();
    session.setPaused(true);
    session.stop();
  });
});

describe("a viewer without a WebSocket", () => {
  const rest = (() => {
    let sequence = 0;
    return (url: string) =>
      Promise.resolve(
        url.endsWith("/clients")
          ? new Response(JSON.stringify({ details: [{ clientId: "a", online: true }] }))
          : new Response(JPEG, { headers: { "X-Sequence": String((sequence += 10)) } }),
      );
  })();

  it("polls after two seconds, and stops when the WebSocket works", async () => {
    const { network, session, shown, state, fetch } = build();
    fetch.mockImplementation(rest);
    session.start();
    expect(state().link).toBe("connecting");
    network.last.drop();
    await vi.advanceTimersByTimeAsync(1900);
    expect(fetch).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1000);
    expect(state().link).toBe("polling");
    expect(shown.length).toBeGreaterThan(1);
    expect(state().totals.dropped).toBe(0);
    while (network.last.readyState !== 0) await vi.advanceTimersByTimeAsync(100);
    network.last.accept();
    expect(state().link).toBe("polling");
    network.last.binary(envelope("a", 5));
    expect(state().link).toBe("live");
    const asked = fetch.mock.calls.length;
    await vi.advanceTimersByTimeAsync(5000);
    expect(fetch.mock.calls).toHaveLength(asked);
    session.stop();
  });

  it("polls when the WebSocket opens but receives nothing", async () => {
    const { network, session, state, fetch } = build();
    fetch.mockImplementation(rest);
    session.start();
    network.last.accept();
    await vi.advanceTimersByTimeAsync(2500);
    expect(state().link).toBe("polling");
    session.stop();
  });

  it("says that the server refuses the page's origin, until the server answers", async () => {
    const { network, session, state, fetch } = build({ page: "https://other/", server: "http://host/" });
    // The server answers, but this page may not read the answer.
    fetch.mockImplementation((_: string, options?: RequestInit) =>
      options?.mode === "no-cors" ? Promise.resolve(new Response()) : unreachable(),
    );
    session.start();
    await vi.advanceTimersByTimeAsync(2500);
    expect(state()).toMatchObject({
      link: "unreachable",
      failure: { kind: "origin-refused", origin: "https://other" },
    });
    network.last.accept();
    network.last.text({ type: "hello" });
    expect(state().failure).toBeNull();
    session.stop();
  });

  it("is unreachable when the server answers neither by WebSocket nor by REST", async () => {
    const { network, session, state, connect } = build();
    connect();
    network.last.drop();
    expect(state().link).toBe("connecting");
    await vi.advanceTimersByTimeAsync(2500);
    expect(state().link).toBe("unreachable");
    session.stop();
    expect(state().link).toBe("stopped");
    session.stop();
  });
});

it("refuses an invalid address", () => {
  expect(() => build({ server: "ftp://host" })).toThrow(TypeError);
});
