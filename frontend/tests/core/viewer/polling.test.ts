import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { CameraInfo, FrameHeader } from "../../../src/core/protocol.js";
import { RestPolling } from "../../../src/core/viewer/polling.js";
import { JPEG } from "../../fakes.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

type Answer = (url: string, headers: Record<string, string>) => Response;

function build(answer: Answer, cameras: string[] = []) {
  const requests: { url: string; headers: Record<string, string> }[] = [];
  const lists: (readonly CameraInfo[])[] = [];
  const frames: FrameHeader[] = [];
  const reachable: boolean[] = [];
  const polling = new RestPolling(
    {
      base: new URL("http://host/cams/"),
      cameras,
      fetch: (url, init) => {
        const headers = (init?.headers ?? {}) as Record<string, string>;
        requests.push({ url: url as string, headers });
        try {
          return Promise.resolve(answer(url as string, headers));
        } catch (error) {
          return Promise.reject(error);
        }
      },
    },
    {
      onCameras: (list) => lists.push(list),
      onFrame: (header) => frames.push(header),
      onReachable: (yes) => reachable.push(yes),
      onRefused: () => undefined,
    },
  );
  return { polling, requests, lists, frames, reachable };
}

const json = (body: object) => new Response(JSON.stringify(body));
const list = (...details: object[]) => json({ success: true, clients: [], details });
const isList = (url: string) => url.endsWith("/api/clients");

describe("polling", () => {
  it("goes on when the clock of this device is set back", async () => {
    const { polling, requests } = build((url) => {
      if (isList(url)) return list({ clientId: "a", online: true });
      vi.setSystemTime(Date.now() - 3_600_000);
      return new Response(JPEG);
    });
    polling.start();
    await vi.advanceTimersByTimeAsync(2600);
    expect(requests.filter(({ url }) => !isList(url)).length).toBeGreaterThan(5);
    polling.stop();
  });

  it("requests the list and the newest frame of every camera, and no frame twice", async () => {
    let sequence = 7;
    const { polling, requests, frames, lists, reachable } = build((url, headers) => {
      if (isList(url)) return list({ clientId: "a", online: true }, { clientId: "b", online: false });
      if (headers["If-None-Match"] === `"${sequence}"`) return new Response(null, { status: 304 });
      const stamp = "1700000000.250000";
      return new Response(JPEG, {
        headers: { ETag: `"${sequence}"`, "X-Sequence": String(sequence), "X-Timestamp": stamp },
      });
    });
    polling.start();
    await vi.advanceTimersByTimeAsync(600);
    expect(requests.slice(0, 2).map(({ url }) => url)).toEqual([
      "http://host/cams/api/clients",
      "http://host/cams/api/clients/a/latest.jpg",
    ]);
    expect(frames).toEqual([
      { cameraId: "a", sequence: 7, timestamp: 1_700_000_000_250, size: JPEG.byteLength },
    ]);
    sequence = 8;
    await vi.advanceTimersByTimeAsync(300);
    expect(frames.map((frame) => frame.sequence)).toEqual([7, 8]);
    expect(requests.some(({ url }) => url.includes("/b/"))).toBe(false);
    expect(lists[0]).toHaveLength(2);
    expect(reachable).toEqual([true]);
    polling.stop();
    const asked = requests.length;
    await vi.advanceTimersByTimeAsync(5000);
    expect(requests).toHaveLength(asked);
  });

  it("requests frames less often if there are many cameras", async () => {
    const many = Array.from({ length: 48 }, (_, i) => ({ clientId: `c${i}`, online: true }));
    const { polling, requests } = build((url) =>
      isList(url) ? list(...many) : new Response(null, { status: 404 }),
    );
    polling.start();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(requests.length).toBeLessThan(10 * 24 + 2 * 48);
    polling.stop();
  });

  it("reports when the server cannot be reached, and continues when it can", async () => {
    let there = false;
    const { polling, reachable } = build(() => {
      if (!there) throw new TypeError("failed to fetch");
      return list();
    });
    polling.start();
    await vi.advanceTimersByTimeAsync(100);
    there = true;
    await vi.advanceTimersByTimeAsync(2000);
    expect(reachable).toEqual([false, true]);
    polling.stop();
  });

  it("treats an error status as no answer", async () => {
    const { polling, reachable } = build(() => new Response("no", { status: 500 }));
    polling.start();
    await vi.advanceTimersByTimeAsync(100);
    expect(reachable).toEqual([false]);
    polling.stop();
  });

  it("reads a list of ids, as SkySentry Go sends it, and only the wanted cameras", async () => {
    const { polling, lists } = build(
      (url) => (isList(url) ? json({ clients: ["a", "b", 7, "<b>"] }) : new Response()),
      ["b"],
    );
    polling.start();
    await vi.advanceTimersByTimeAsync(100);
    expect(lists[0]).toEqual([{ cameraId: "b", online: true }]);
    polling.stop();
  });

  it("replaces hidden headers by order and time of arrival, and ignores bytes that are not a JPEG", async () => {
    let body: Uint8Array<ArrayBuffer> = JPEG;
    const { polling, frames } = build((url) => (isList(url) ? list({ clientId: "a" }) : new Response(body)));
    polling.start();
    await vi.advanceTimersByTimeAsync(300);
    body = new Uint8Array(9);
    await vi.advanceTimersByTimeAsync(1000);
    expect(frames.map((frame) => frame.sequence)).toEqual([1, 2]);
    expect(frames[0]?.timestamp).toBeGreaterThan(0);
    polling.stop();
  });

  it("stops requesting frames of a camera while it is offline", async () => {
    let online = true;
    const { polling, requests } = build((url) => {
      if (isList(url)) return list({ clientId: "a", online });
      throw new TypeError("cut");
    });
    polling.start();
    await vi.advanceTimersByTimeAsync(1000);
    online = false;
    await vi.advanceTimersByTimeAsync(2500);
    const asked = requests.filter(({ url }) => !isList(url)).length;
    await vi.advanceTimersByTimeAsync(1000);
    expect(requests.filter(({ url }) => !isList(url))).toHaveLength(asked);
    online = true;
    await vi.advanceTimersByTimeAsync(3000);
    expect(requests.filter(({ url }) => !isList(url)).length).toBeGreaterThan(asked);
    polling.stop();
  });

  it("reads an RFC 3339 time, and can be stopped before it starts", async () => {
    const { polling, frames, requests } = build((url) =>
      isList(url)
        ? list({ clientId: "a" })
        : new Response(JPEG, { headers: { "X-Timestamp": "2026-01-01T00:00:00Z", "X-Sequence": "x" } }),
    );
    polling.start();
    await vi.advanceTimersByTimeAsync(100);
    expect(frames[0]?.timestamp).toBe(Date.parse("2026-01-01T00:00:00Z"));
    polling.stop();
    const stopped = build(() => list());
    stopped.polling.stop();
    stopped.polling.start();
    await vi.advanceTimersByTimeAsync(100);
    expect(stopped.requests).toHaveLength(0);
    expect(requests.length).toBeGreaterThan(0);
  });
});
