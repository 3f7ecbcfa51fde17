import { describe, expect, it, vi } from "vitest";
import { watchVisibility } from "../../../src/core/viewer/visibility.js";

function build() {
  let intersect: (entries: { isIntersecting: boolean }[]) => void = () => undefined;
  let resize: () => void = () => undefined;
  const disconnect = vi.fn();
  vi.stubGlobal(
    "IntersectionObserver",
    class {
      constructor(callback: typeof intersect) {
        intersect = callback;
      }
      observe = vi.fn();
      disconnect = disconnect;
    },
  );
  vi.stubGlobal(
    "ResizeObserver",
    class {
      constructor(callback: typeof resize) {
        resize = callback;
      }
      observe = vi.fn();
      disconnect = disconnect;
    },
  );
  vi.stubGlobal("devicePixelRatio", 2);
  const element = { clientWidth: 300 };
  const seen: (number | null)[] = [];
  const end = watchVisibility(element as Element, (pixels) => seen.push(pixels));
  return {
    element,
    seen,
    end,
    disconnect,
    intersect: (isIntersecting: boolean) => intersect([{ isIntersecting }]),
    resize: () => resize(),
  };
}

describe("the visibility of an element", () => {
  it("is its width in device pixels while it is in view", () => {
    const { element, seen, end, disconnect, intersect, resize } = build();
    intersect(false);
    resize();
    expect(seen).toEqual([]);
    intersect(true);
    element.clientWidth = 400;
    resize();
    intersect(false);
    intersect(true);
    end();
    expect(seen).toEqual([600, 800, null, 800, null]);
    expect(disconnect).toHaveBeenCalledTimes(2);
  });

  it("ends without a call if the element was not visible", () => {
    const { seen, end } = build();
    end();
    expect(seen).toEqual([]);
  });

  it("is not reported by browsers without the observers", () => {
    vi.stubGlobal("IntersectionObserver", undefined);
    const onChange = vi.fn();
    watchVisibility({} as Element, onChange)();
    expect(onChange).not.toHaveBeenCalled();
  });
});
