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
  /** Returns the messages since the last call, when all changes are sent. */
  const takeSent = () => {
    vi.advanceTimersByTime(250);
    return sent.splice(0).map(({ type, clients, maxWidth, maxFps: rate }) => [type, clients, maxWidth, rate]);
  };
  return { subscriptions, takeSent, link, onChange };
}

describe("subscriptions", () => {
  it("keep the server's default until the page reports what is visible", () => {
    const { subscriptions, takeSent } = build();
    subscriptions.opened();
    expect(takeSent()).toEqual([]);
    expect(subscriptions.isSubscribed("whatever")).toBe(true);
  });

  it("name the visible cameras, each no larger than shown, and then only changes", () => {
    const { subscriptions, takeSent, onChange } = build([], 5);
    subscriptions.setShownWidth("a", 500);
    subscriptions.setShownWidth("b", 640);
    subscriptions.setShownWidth("c", 5000);
    // The first one ends the default of all cameras, and with it the playback of each camera that it does not name.
    expect(takeSent()).toEqual([
      ["subscribe", ["a", "b", "c"], 640, 5],
      ["subscribe", ["c"], undefined, 5],
    ]);
    expect(onChange).toHaveBeenCalledTimes(1);
    subscriptions.setShownWidth("b", 700);
    subscriptions.setShownWidth("a", 510);
    subscriptions.setShownWidth("c", null);
    expect(takeSent()).toEqual([
      ["subscribe", ["b"], 960, 5],
      ["unsubscribe", ["c"], undefined, undefined],
    ]);
    expect(["a", "b", "c"].map((id) => subscriptions.isSubscribed(id))).toEqual([true, true, false]);
  });

  it("change at most five times a second, however fast the page is scrolled", () => {
    const { subscriptions, onChange } = build();
    for (let i = 0; i < 100; i++) {
      subscriptions.setShownWidth(`c${i}`, 300);
      vi.advanceTimersByTime(10);
    }
    expect(onChange.mock.calls.length).toBeLessThanOrEqual(5);
  });

  it("end the default of all cameras when none is visible", () => {
    const { subscriptions, takeSent } = build();
    subscriptions.setShownWidth("a", null);
    expect(takeSent()).toEqual([["subscribe", [], undefined, undefined]]);
  });

  it("leave out a camera of the address that is not visible", () => {
    const { subscriptions, takeSent } = build(["a", "b"]);
    expect(subscriptions.isSubscribed("a")).toBe(true);
    expect(subscriptions.isSubscribed("c")).toBe(false);
    subscriptions.setShownWidth("a", 100);
    expect(takeSent()).toEqual([
      ["subscribe", ["a"], 160, undefined],
      ["unsubscribe", ["b"], undefined, undefined],
    ]);
  });

  it("are sent again on a new connection", () => {
    const { subscriptions, takeSent, link } = build();
    link.open = false;
    subscriptions.setShownWidth("a", 100);
    expect(takeSent()).toEqual([]);
    expect(subscriptions.isSubscribed("b")).toBe(true);
    link.open = true;
    subscriptions.opened();
    expect(takeSent()).toEqual([["subscribe", ["a"], 160, undefined]]);
    subscriptions.setShownWidth("a", 2000);
    subscriptions.stop();
    expect(takeSent()).toEqual([]);
  });

  it("limit the width in steps, up to a width without a limit", () => {
    expect([1, 160, 161, 1920, 1921].map(widthLimit)).toEqual([160, 160, 320, 1920, undefined]);
  });
});
