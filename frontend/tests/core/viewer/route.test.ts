// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Route } from "../../../src/core/viewer/route.js";

beforeEach(() => history.replaceState(null, "", "/?x=1"));

describe("the route", () => {
  it("opens with a step that Back undoes, and changes without one", () => {
    const pushed = vi.spyOn(history, "pushState");
    const route = new Route();
    route.open({ view: "front" });
    route.replace({ view: "yard" });
    expect(pushed).toHaveBeenCalledTimes(1);
    expect(location.search).toBe("?x=1&view=yard");
    expect(route.address.getSnapshot().view).toBe("yard");
    expect(route.href({ view: null, cameras: ["a", "b"] })).toBe("/?x=1&cams=a,b");
  });

  it("closes by going back once, however often it is asked", () => {
    const back = vi.spyOn(history, "back").mockImplementation(() => undefined);
    const route = new Route();
    const unfollow = route.follow();
    route.open({ view: "front" });
    route.close({ view: null });
    route.close({ view: null });
    expect(back).toHaveBeenCalledTimes(1);
    history.replaceState(null, "", "/?x=1");
    globalThis.dispatchEvent(new PopStateEvent("popstate"));
    expect(route.address.getSnapshot().view).toBeNull();
    unfollow();
  });

  it("closes one thing without undoing another that was opened later", () => {
    const back = vi.spyOn(history, "back").mockImplementation(() => undefined);
    const route = new Route();
    route.open({ panel: "keys" });
    route.open({ group: "Outside" });
    route.close({ panel: null });
    expect(back).not.toHaveBeenCalled();
    expect(route.address.getSnapshot()).toMatchObject({ panel: null, group: "Outside" });
  });

  it("closes what a link opened without leaving the page", () => {
    const back = vi.spyOn(history, "back").mockImplementation(() => undefined);
    history.replaceState(null, "", "/?view=front");
    const route = new Route();
    route.close({ view: null });
    expect(back).not.toHaveBeenCalled();
    expect(location.search).toBe("");
    expect(route.address.getSnapshot().view).toBeNull();
  });
});
