import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ExportJob } from "../../../src/core/viewer/export-job.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const SPAN = { from: Date.parse("2026-11-29T12:00:00.5Z"), to: Date.parse("2026-11-29T12:01:00Z") };

function build(...answers: (object | number)[]) {
  const asked: string[] = [];
  const job = new ExportJob(new URL("https://cams.example/?link=lnk"), (input, options) => {
    const body = typeof options?.body === "string" ? ` ${options.body}` : "";
    asked.push(`${options?.method ?? ""} ${(input as string).slice("https://cams.example".length)}${body}`);
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    return Promise.resolve(
      typeof answer === "number"
        ? new Response(JSON.stringify({ error: "there is no room" }), { status: answer })
        : new Response(JSON.stringify(answer)),
    );
  });
  const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
  return { job, asked, pass, state: () => job.state.getSnapshot() };
}

const WRITING = { id: "x1", state: "writing", progress: 0.4, bytes: 5000 };
const READY = {
  id: "x1",
  state: "ready",
  progress: 1,
  bytes: 9000,
  url: "api/exports/x1/file",
  name: "two.zip",
};

describe("an export", () => {
  it("is asked for, watched, and then ready to be downloaded", async () => {
    const { job, asked, pass, state } = build(WRITING, WRITING, READY);
    void job.start(["a", "b"], SPAN, "mkv");
    await pass(0);
    expect(state()).toEqual({ kind: "writing", share: 0.4, bytes: 5000 });
    await pass(1500);
    expect(state()).toEqual({
      kind: "ready",
      url: "https://cams.example/api/exports/x1/file?link=lnk",
      name: "two.zip",
      bytes: 9000,
    });
    expect(asked).toEqual([
      'POST /api/exports?link=lnk {"clients":["a","b"],"from":"2026-11-29T12:00:00.500Z","to":"2026-11-29T12:01:00.000Z","format":"mkv"}',
      "GET /api/exports/x1?link=lnk",
      "GET /api/exports/x1?link=lnk",
    ]);
  });

  it("is removed if it is cancelled, but not once it is ready", async () => {
    const { job, asked, pass, state } = build(WRITING);
    void job.start(["a"], SPAN, "zip");
    await pass(0);
    job.cancel();
    await pass(5000);
    expect(state()).toEqual({ kind: "idle" });
    expect(asked.slice(1)).toEqual(["DELETE /api/exports/x1?link=lnk"]);
    const other = build(READY);
    void other.job.start(["a"], SPAN, "zip");
    await other.pass(0);
    other.job.cancel();
    expect(other.asked).toHaveLength(1);
  });

  it("says why there is none", async () => {
    const refused = build(503);
    void refused.job.start(["a"], SPAN, "zip");
    await refused.pass(0);
    expect(refused.state()).toEqual({ kind: "failed", status: 503, reason: "there is no room" });
    const failed = build(WRITING, { id: "x1", state: "failed", error: "the disk is full" });
    void failed.job.start(["a"], SPAN, "zip");
    await failed.pass(1000);
    expect(failed.state()).toMatchObject({ kind: "failed", reason: "the disk is full" });
  });
});
