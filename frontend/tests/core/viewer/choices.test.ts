import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Choices, widthLimit } from "../../../src/core/viewer/choices.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function build(initial: string[] = [], maxFps?: number) {
  const sent: Record<string, unknown>[] = [];
  const link = { open: true };
  const onChange = vi.fn();
  const choices = new Choices({
    send: (text) => {
      if (link.open) sent.push(JSON.parse(text) as Record<string, unknown>);
      return link.open;
    },
    maxFps,
    initial,
    onChange,
  });
  /** What was said since last asked, after all has settled. */
  const said = () => {
    vi.advanceTimersByTime(250);
    return sent.splice(0).map(({ type, clients, maxWidth, maxFps: rate }) => [type, clients, maxWidth, rate]);
  };
  return { choices, said, link, onChange };
}

describe("choices", () => {
  it("leave the server's default alone until somebody says what is seen", () => {
    const { choices, said } = build();
    choices.opened();
    expect(said()).toEqual([]);
    expect(choices.follows("whatever")).toBe(true);
  });

  it("name what is seen, each no larger than shown, and then only what changes", () => {
    const { choices, said, onChange } = build([], 5);
    choices.see("a", 500);
    choices.see("b", 640);
    choices.see("c", 5000);
    expect(said()).toEqual([
      ["subscribe", ["a", "b"], 640, 5],
      ["subscribe", ["c"], undefined, 5],
    ]);
    expect(onChange).toHaveBeenCalledTimes(1);
    choices.see("b", 700);
    choices.see("a", 510);
    choices.see("c", null);
    expect(said()).toEqual([
      ["subscribe", ["b"], 960, 5],
      ["unsubscribe", ["c"], undefined, undefined],
    ]);
    expect(["a", "b", "c"].map((id) => choices.follows(id))).toEqual([true, true, false]);
  });

  it("settle at most five times a second, however fast a page is scrolled", () => {
    const { choices, onChange } = build();
    for (let i = 0; i < 100; i++) {
      choices.see(`c${i}`, 300);
      vi.advanceTimersByTime(10);
    }
    expect(onChange.mock.calls.length).toBeLessThanOrEqual(5);
  });

  it("end the default of all when nothing is seen", () => {
    const { choices, said } = build();
    choices.see("a", null);
    expect(said()).toEqual([["subscribe", [], undefined, undefined]]);
  });

  it("leave out what the address asked for and nobody sees", () => {
    const { choices, said } = build(["a", "b"]);
    expect(choices.follows("a")).toBe(true);
    expect(choices.follows("c")).toBe(false);
    choices.see("a", 100);
    expect(said()).toEqual([
      ["subscribe", ["a"], 160, undefined],
      ["unsubscribe", ["b"], undefined, undefined],
    ]);
  });

  it("are said anew on a new connection, and lost without one", () => {
    const { choices, said, link } = build();
    link.open = false;
    choices.see("a", 100);
    expect(said()).toEqual([]);
    expect(choices.follows("b")).toBe(true);
    link.open = true;
    choices.opened();
    expect(said()).toEqual([["subscribe", ["a"], 160, undefined]]);
    choices.see("a", 2000);
    choices.stop();
    expect(said()).toEqual([]);
  });

  it("go in steps up to where a camera may send what it has", () => {
    expect([1, 160, 161, 1920, 1921].map(widthLimit)).toEqual([160, 160, 320, 1920, undefined]);
  });
});
