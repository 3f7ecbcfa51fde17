import { describe, expect, it } from "vitest";
import { claimCameraId } from "../../../src/core/capture/camera-id.js";

/** The locks of one browser, which all of its tabs share. */
function browser(forbidden = false) {
  const held = new Set<string>();
  const request = (name: string, _: unknown, callback: (lock: unknown) => Promise<void> | undefined) => {
    if (forbidden) return Promise.reject(new DOMException("", "SecurityError"));
    if (held.has(name)) return Promise.resolve(callback(null));
    held.add(name);
    return Promise.resolve(callback({ name })).finally(() => held.delete(name));
  };
  return { request } as unknown as LockManager;
}

describe("the id of a tab", () => {
  it("is that of the browser, and another one in each further tab", async () => {
    const locks = browser();
    const tabs = await Promise.all([1, 2, 3].map(() => claimCameraId("camera-abc", locks)));
    expect(tabs).toEqual(["camera-abc", "camera-abc-2", "camera-abc-3"]);
    expect(await claimCameraId("other", locks)).toBe("other");
  });

  it("stays within 64 characters", async () => {
    const locks = browser();
    const long = "x".repeat(64);
    expect(await claimCameraId(long, locks)).toBe(long);
    expect(await claimCameraId(long, locks)).toBe(`${"x".repeat(62)}-2`);
  });

  it("is that of the browser where there are no locks", async () => {
    expect(await claimCameraId("a", undefined)).toBe("a");
    expect(await claimCameraId("a", browser(true))).toBe("a");
  });
});
