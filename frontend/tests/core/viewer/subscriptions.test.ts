import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Subscriptions, widthLimit } from "../../../src/core/viewer/subscriptions.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function build(initial: string[] = [], maxFps?: number) {
  const sent: Record<string, unknown>[] = [];
  const link = { open: true };
  const onChange = vi.fn();
  const subscriptions = new Subscriptions({
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
  return { subscriptions, said, link, onChange };
}

describe("subscriptions", () => {
  it("leave the server's default alone until somebody says what is seen", () => {
    const { subscriptions, said } = build();
    subscriptions.opened();
    expect(said()).toEqual([]);
    expect(subscriptions.isSubscribed("whatever")).toBe(true);
  });

  it("name what is seen, each no larger than shown, and then only what changes", () => {
    const { subscriptions, said, onChange } = build([], 5);
    subscriptions.setShownWidth("a", 500);
    subscriptions.setShownWidth("b", 640);
    subscriptions.setShownWidth("c", 5000);
    expect(said()).toEqual([
      ["subscribe", ["a", "b"], 640, 5],
      ["subscribe", ["c"], undefined, 5],
    ]);
    expect(onChange).toHaveBeenCalledTimes(1);
    subscriptions.setShownWidth("b", 700);
    subscriptions.setShownWidth("a", 510);
    subscriptions.setShownWidth("c", null);
    expect(said()).toEqual([
      ["subscribe", ["b"], 960, 5],
      ["unsubscribe", ["c"], undefined, undefined],
    ]);
    expect(["a", "b", "c"].map((id) => subscriptions.isSubscribed(id))).toEqual([true, true, false]);
  });

  it("settle at most five times a second, however fast a page is scrolled", () => {
    const { subscriptions, onChange } = build();
    for (let i = 0; i < 100; i++) {
      subscriptions.setShownWidth(`c${i}`, 300);
      vi.advanceTimersByTime(10);
    }
    expect(onChange.mock.calls.length).toBeLessThanOrEqual(5);
  });

  it("end the default of all when nothing is seen", () => {
    const { subscriptions, said } = build();
    subscriptions.setShownWidth("a", null);
    expect(said()).toEqual([["subscribe", [], undefined, undefined]]);
  });

  it("leave out what the address asked for and nobody sees", () => {
    const { subscriptions, said } = build(["a", "b"]);
    expect(subscriptions.isSubscribed("a")).toBe(true);
    expect(subscriptions.isSubscribed("c")).toBe(false);
    subscriptions.setShownWidth("a", 100);
    expect(said()).toEqual([
      ["subscribe", ["a"], 160, undefined],
      ["unsubscribe", ["b"], undefined, undefined],
    ]);
  });

  it("are said anew on a new connection, and lost without one", () => {
    const { subscriptions, said, link } = build();
    link.open = false;
    subscriptions.setShownWidth("a", 100);
    expect(said()).toEqual([]);
    expect(subscriptions.isSubscribed("b")).toBe(true);
    link.open = true;
    subscriptions.opened();
    expect(said()).toEqual([["subscribe", ["a"], 160, undefined]]);
    subscriptions.setShownWidth("a", 2000);
    subscriptions.stop();
    expect(said()).toEqual([]);
  });

  it("go in steps up to where a camera may send what it has", () => {
    expect([1, 160, 161, 1920, 1921].map(widthLimit)).toEqual([160, 160, 320, 1920, undefined]);
  });
});
