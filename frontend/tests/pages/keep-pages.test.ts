// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { keepPages } from "../../src/pages/keep-pages.js";

const register = vi.fn(() => Promise.reject(new Error("the certificate is not trusted")));

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubEnv("PROD", true);
  vi.stubGlobal("isSecureContext", true);
  Object.defineProperty(navigator, "serviceWorker", { value: { register }, configurable: true });
  register.mockClear();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

function kept(): boolean {
  keepPages();
  dispatchEvent(new Event("load"));
  vi.advanceTimersByTime(60_000);
  return register.mock.calls.length > 0;
}

it("keeps the pages beside the page, and only after the first pictures", () => {
  keepPages();
  dispatchEvent(new Event("load"));
  vi.advanceTimersByTime(1000);
  expect(register).not.toHaveBeenCalled();
  vi.advanceTimersByTime(60_000);
  expect(register.mock.calls).toEqual([["./service-worker.js"]]);
});

it("keeps nothing in development", () => {
  vi.stubEnv("PROD", false);
  expect(kept()).toBe(false);
});

it("keeps nothing of an address that is not secure", () => {
  vi.stubGlobal("isSecureContext", false);
  expect(kept()).toBe(false);
});

it("keeps nothing of a page in a frame of another page", () => {
  vi.stubGlobal("top", {});
  expect(kept()).toBe(false);
});

it("keeps nothing where the browser cannot", () => {
  Object.defineProperty(navigator, "serviceWorker", { value: undefined, configurable: true });
  expect(kept()).toBe(false);
});
