import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BitmapRequests } from "../../../src/core/capture/bitmap-requests.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function build(fps: number) {
  const state = { requested: 0, missed: [] as boolean[], encoding: false };
  const requests = new BitmapRequests(fps, {
    request: () => {
      state.requested++;
    },
    missed: (busy) => state.missed.push(busy),
    isEncoding: () => state.encoding,
  });
  return { requests, state };
}

describe("requests for bitmaps", () => {
  it("begin at once, however low the rate is, and go on every 100 ms until the video has begun", () => {
    const { requests, state } = build(0.2);
    requests.start(false);
    expect(state.requested).toBe(1);
    vi.advanceTimersByTime(500);
    expect(state.requested).toBe(6);
    requests.answered();
    vi.advanceTimersByTime(4400);
    expect(state.requested).toBe(6);
    vi.advanceTimersByTime(200);
    expect(state.requested).toBe(7);
    requests.stop();
  });

  it("come at once when a hold ends, or when the rate rises, if a picture is due", () => {
    const { requests, state } = build(0.2);
    requests.start(true);
    vi.advanceTimersByTime(12_000);
    expect(state).toMatchObject({ requested: 0, missed: [false, false] });
    requests.hold(false);
    expect(state.requested).toBe(1);
    requests.answered();
    requests.hold(true);
    requests.hold(false);
    expect(state.requested).toBe(1);
    vi.advanceTimersByTime(1000);
    requests.setRate(10);
    expect(state.requested).toBe(2);
    requests.stop();
  });

  it("do not count a picture as the first that arrives while held, because it is not sent", () => {
    const { requests, state } = build(15);
    requests.start(false);
    requests.hold(true);
    requests.answered();
    requests.hold(false);
    requests.setRate(0.2);
    vi.advanceTimersByTime(100);
    expect(state.requested).toBe(2);
    requests.answered();
    vi.advanceTimersByTime(1000);
    expect(state.requested).toBe(2);
    requests.stop();
  });

  it("wait for the answer and for the encoder", () => {
    const { requests, state } = build(10);
    requests.start(false);
    requests.answered();
    vi.advanceTimersByTime(100);
    expect(state.requested).toBe(2);
    vi.advanceTimersByTime(300);
    expect(state).toMatchObject({ requested: 2, missed: [true, true, true] });
    state.encoding = true;
    requests.answered();
    vi.advanceTimersByTime(5000);
    expect(state.requested).toBe(2);
    state.encoding = false;
    vi.advanceTimersByTime(100);
    expect(state.requested).toBe(3);
    requests.stop();
  });

  it("are repeated after a second if the answer is lost", () => {
    const { requests, state } = build(10);
    requests.start(false);
    requests.answered();
    vi.advanceTimersByTime(100);
    vi.advanceTimersByTime(1000);
    expect(state.requested).toBe(3);
    requests.stop();
  });

  it("keep their rhythm while only other settings change, and end when stopped", () => {
    const { requests, state } = build(10);
    requests.start(false);
    for (let i = 0; i < 100; i++) {
      requests.answered();
      requests.setRate(10);
      vi.advanceTimersByTime(10);
    }
    expect(state.requested).toBe(11);
    requests.stop();
    vi.advanceTimersByTime(10_000);
    expect(state.requested).toBe(11);
  });
});
