import { describe, expect, it, vi } from "vitest";
import { ClipSaver } from "../../../src/core/viewer/clip-saver.js";
import { downloadClip } from "../../../src/core/viewer/clip.js";

/** A server whose answer comes in two parts. */
function answering(status: number, headers: Record<string, string> = {}, parts = ["one", "two"]) {
  const body = new ReadableStream({
    start(stream) {
      for (const part of parts) stream.enqueue(new TextEncoder().encode(part));
      stream.close();
    },
  });
  return vi.fn<typeof fetch>(() => Promise.resolve(new Response(body, { status, headers })));
}

const CLIP = { url: "http://host/clip", format: "mp4", name: "door_then" } as const;

describe("the download of a clip", () => {
  it("is a file with the server's name, and says how much has come", async () => {
    const get = answering(200, { "Content-Disposition": 'attachment; filename="door_2026.4+01.mp4"' });
    const bytes: number[] = [];
    const file = await downloadClip({ ...CLIP, fetch: get, onProgress: (count) => bytes.push(count) });
    expect([file.name, file.type, await file.text()]).toEqual(["door_2026.4+01.mp4", "video/mp4", "onetwo"]);
    expect(bytes).toEqual([3, 6]);
  });

  it("has a name of its own if the server's name is hidden or leads to another folder", async () => {
    await expect(downloadClip({ ...CLIP, fetch: answering(200) })).resolves.toMatchObject({
      name: "door_then.mp4",
    });
    const get = answering(200, { "Content-Disposition": 'attachment; filename="../x.mp4"' });
    await expect(downloadClip({ ...CLIP, fetch: get })).resolves.toMatchObject({ name: "door_then.mp4" });
  });

  it("fails with the server's own reason", async () => {
    const get = answering(501, {}, [JSON.stringify({ success: false, error: "PyAV is not installed" })]);
    await expect(downloadClip({ ...CLIP, fetch: get })).rejects.toMatchObject({
      status: 501,
      message: "PyAV is not installed",
    });
  });

  it("fails without a reason if a proxy answers, or nothing does", async () => {
    await expect(downloadClip({ ...CLIP, fetch: answering(502) })).rejects.toMatchObject({
      status: 502,
      message: "",
    });
    const gone = () => Promise.reject(new TypeError("failed to fetch"));
    await expect(downloadClip({ ...CLIP, fetch: gone })).rejects.toMatchObject({ status: 0 });
  });
});

describe("the saver of clips", () => {
  it("goes from loading to a file", async () => {
    const saver = new ClipSaver();
    const states: unknown[] = [];
    saver.state.subscribe(() => states.push(saver.state.getSnapshot()));
    const file = await saver.load({ ...CLIP, fetch: answering(200) });
    expect(file?.size).toBe(6);
    expect(states).toEqual([
      { kind: "loading", format: "mp4", bytes: 0 },
      { kind: "loading", format: "mp4", bytes: 3 },
      { kind: "loading", format: "mp4", bytes: 6 },
      { kind: "done", format: "mp4", file },
    ]);
  });

  it("remembers which formats the server cannot make", async () => {
    const saver = new ClipSaver();
    await expect(saver.load({ ...CLIP, fetch: answering(501) })).resolves.toBeNull();
    expect(saver.state.getSnapshot()).toMatchObject({ kind: "failed", status: 501 });
    expect(saver.impossible.getSnapshot()).toEqual(["mp4"]);
    await saver.load({ ...CLIP, format: "zip", fetch: answering(503) });
    expect(saver.impossible.getSnapshot()).toEqual(["mp4"]);
  });

  it("gives nothing after it was cancelled", async () => {
    const saver = new ClipSaver();
    const loading = saver.load({ ...CLIP, fetch: answering(200) });
    saver.cancel();
    await expect(loading).resolves.toBeNull();
    expect(saver.state.getSnapshot()).toEqual({ kind: "idle" });
  });
});
