// @vitest-environment happy-dom
import { act } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { useIdle } from "../../src/react/use-idle.js";
import { host, mountForEach, render } from "./mounting.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());
mountForEach();

function Shown({ busy = false }: { busy?: boolean }) {
  const [idle, toggle] = useIdle(3000, busy);
  return <button onClick={toggle}>{idle ? "idle" : "active"}</button>;
}
const wait = (milliseconds: number) => act(() => void vi.advanceTimersByTime(milliseconds));

describe("idleness", () => {
  it("begins three seconds after the last input, and ends with the next", () => {
    render(<Shown />);
    wait(2900);
    act(() => void window.dispatchEvent(new Event("pointermove")));
    wait(2900);
    expect(host.textContent).toBe("active");
    wait(200);
    expect(host.textContent).toBe("idle");
    act(() => void window.dispatchEvent(new Event("keydown")));
    expect(host.textContent).toBe("active");
  });

  it("does not exist while the person is busy, and a tap begins and ends it", () => {
    render(<Shown busy />);
    wait(9000);
    expect(host.textContent).toBe("active");
    render(<Shown />);
    expect(host.textContent).toBe("idle");
    act(() => host.querySelector("button")?.click());
    expect(host.textContent).toBe("active");
    act(() => host.querySelector("button")?.click());
    expect(host.textContent).toBe("idle");
  });
});
