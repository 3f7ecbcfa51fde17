// @vitest-environment happy-dom
import { afterEach, describe, expect, it, vi } from "vitest";
import { isCameraAllowed, watchCameraSignals } from "../../../src/core/capture/camera-signals.js";

afterEach(() => void vi.unstubAllGlobals());

describe("the signals of cameras", () => {
  it("come from devices, the permission and the page, until they are not wanted any more", async () => {
    const mediaDevices = new EventTarget();
    const permission = Object.assign(new EventTarget(), { state: "denied" });
    vi.stubGlobal("navigator", { mediaDevices, permissions: { query: () => Promise.resolve(permission) } });
    const listener = vi.fn();
    const unwatch = watchCameraSignals(listener);
    await Promise.resolve();
    const all = () => {
      mediaDevices.dispatchEvent(new Event("devicechange"));
      permission.dispatchEvent(new Event("change"));
      document.dispatchEvent(new Event("visibilitychange"));
    };
    all();
    expect(listener.mock.calls).toEqual([["device"], ["visible"]]);
    permission.state = "granted";
    all();
    expect(listener.mock.calls.slice(2)).toEqual([["device"], ["allowed"], ["visible"]]);
    unwatch();
    all();
    expect(listener).toHaveBeenCalledTimes(5);
  });

  it("are as many as the browser knows", async () => {
    vi.stubGlobal("navigator", { permissions: { query: () => Promise.reject(new TypeError("camera?")) } });
    const listener = vi.fn();
    watchCameraSignals(listener)();
    vi.stubGlobal("navigator", {});
    const unwatch = watchCameraSignals(listener);
    await Promise.resolve();
    document.dispatchEvent(new Event("visibilitychange"));
    expect(listener).toHaveBeenCalledWith("visible");
    unwatch();
  });
});

describe("the permission for the camera", () => {
  it("is known only if the browser tells it", async () => {
    const answer = (query: () => Promise<unknown>) => vi.stubGlobal("navigator", { permissions: { query } });
    answer(() => Promise.resolve({ state: "granted" }));
    expect(await isCameraAllowed()).toBe(true);
    answer(() => Promise.resolve({ state: "prompt" }));
    expect(await isCameraAllowed()).toBe(false);
    answer(() => Promise.reject(new TypeError("camera?")));
    expect(await isCameraAllowed()).toBe(false);
    vi.stubGlobal("navigator", {});
    expect(await isCameraAllowed()).toBe(false);
  });
});
