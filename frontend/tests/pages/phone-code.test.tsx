// @vitest-environment happy-dom
import { act } from "react";
import { beforeEach, afterEach, expect, it, vi } from "vitest";
import type { PhoneCodeInfo } from "../../src/core/phone.js";
import { ServerCode } from "../../src/pages/phone-code.js";
import { host, mountForEach, render } from "../react/mounting.js";

mountForEach();
beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

const WAITING: PhoneCodeInfo = {
  url: "https://192.168.1.20:8080/capture?link=lnk_a",
  state: "waiting",
  expiresAt: 1_000_000 + 65_000,
};
const state = () => host.querySelector("[data-code]")?.getAttribute("data-code");
const never = () => Promise.resolve(false);

it("shows the code with the time that is left, until that is over", () => {
  render(<ServerCode code={WAITING} renew={never} />);
  expect(host.querySelector('[role="img"]')?.getAttribute("aria-label")).toContain(WAITING.url);
  // A click on this machine would use the link up.
  expect(host.querySelector("a")).toBeNull();
  expect(host.querySelector('[role="timer"]')?.textContent).toContain("1:05");
  act(() => void vi.advanceTimersByTime(60_000));
  expect(host.querySelector('[role="timer"]')?.textContent).toContain("0:05");
  act(() => void vi.advanceTimersByTime(5000));
  expect(state()).toBe("expired");
  expect(host.querySelector('[role="img"]')).toBeNull();
});

it("counts no time on a server that is open to everybody", () => {
  render(<ServerCode code={{ ...WAITING, expiresAt: null }} renew={never} />);
  expect(state()).toBe("waiting");
  expect(host.querySelector('[role="timer"]')).toBeNull();
});

it("gives a new code after one that a phone has used, or says that there is none", async () => {
  let asked = 0;
  const refuse = () => {
    asked++;
    return never();
  };
  render(<ServerCode code={{ ...WAITING, state: "used" }} renew={refuse} />);
  expect(host.querySelector('[role="status"]')?.textContent).toContain("has used");
  await act(async () => {
    host.querySelector("button")?.click();
    await Promise.resolve();
  });
  expect(asked).toBe(1);
  expect(host.querySelector('[role="alert"]')).not.toBeNull();
});
