import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FreshCameras } from "../../../src/core/viewer/fresh-cameras.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("a camera is new for two seconds, unless it was there before the page or has been there before", () => {
  const fresh = new FreshCameras();
  fresh.note([]);
  fresh.note(["a", "b"]);
  expect(fresh.cameraIds.getSnapshot()).toEqual([]);
  fresh.note(["a", "b", "c"]);
  expect(fresh.cameraIds.getSnapshot()).toEqual(["c"]);
  vi.advanceTimersByTime(1000);
  fresh.note(["a", "c", "d"]);
  expect(fresh.cameraIds.getSnapshot()).toEqual(["c", "d"]);
  vi.advanceTimersByTime(2000);
  expect(fresh.cameraIds.getSnapshot()).toEqual([]);
  fresh.note(["a", "b", "c", "d"]);
  expect(fresh.cameraIds.getSnapshot()).toEqual([]);
});
