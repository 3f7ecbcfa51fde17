/** Whether an element is visible on the page, and how wide it is shown. */

/** An element counts as visible shortly before it is scrolled into view, so that its picture is there in time. */
const AHEAD = "200px 0px";

/**
 * Calls back when the element becomes visible and whenever its size changes, with its width in device pixels. Calls
 * back with null when the element is no longer visible. Returns the function that ends this. In browsers without the
 * two observers, it never calls back.
 */
export function watchVisibility(element: Element, onChange: (pixels: number | null) => void): () => void {
  if (typeof IntersectionObserver === "undefined" || typeof ResizeObserver === "undefined")
    return () => undefined;
  let visible = false;
  const report = (): void =>
    onChange(visible ? Math.max(1, element.clientWidth) * globalThis.devicePixelRatio : null);
  const intersections = new IntersectionObserver(
    (entries) => {
      const before = visible;
      visible = entries.at(-1)?.isIntersecting ?? visible;
      if (visible || before) report();
    },
    { rootMargin: AHEAD },
  );
  const sizes = new ResizeObserver(() => {
    if (visible) report();
  });
  intersections.observe(element);
  sizes.observe(element);
  return () => {
    intersections.disconnect();
    sizes.disconnect();
    if (visible) onChange(null);
  };
}
