/** Whether an element is visible on the page, and how wide it is shown. */

/** An element counts as visible shortly before it is scrolled into view, so that its picture is there in time. */
const AHEAD = "200px 0px";

/**
 * Calls back with the element's width in device pixels, or null if it is not visible, now and on every change. Returns
 * the function that ends this. Never calls back in browsers without the observers.
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
