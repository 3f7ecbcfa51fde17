/** Whether a part of the page can be seen, and how large it is there. */

/** What is about to be scrolled into view is asked for a little ahead. */
const AHEAD = "200px 0px";

/** Tells the width in pixels of the device, or null for what nobody sees, now and whenever that changes; returns its end. */
export function watchSight(element: Element, onSight: (pixels: number | null) => void): () => void {
  if (typeof IntersectionObserver === "undefined" || typeof ResizeObserver === "undefined")
    return () => undefined;
  let visible = false;
  const tell = (): void =>
    onSight(visible ? Math.max(1, element.clientWidth) * globalThis.devicePixelRatio : null);
  const intersections = new IntersectionObserver(
    (entries) => {
      const before = visible;
      visible = entries.at(-1)?.isIntersecting ?? visible;
      if (visible || before) tell();
    },
    { rootMargin: AHEAD },
  );
  const sizes = new ResizeObserver(() => {
    if (visible) tell();
  });
  intersections.observe(element);
  sizes.observe(element);
  return () => {
    intersections.disconnect();
    sizes.disconnect();
    if (visible) onSight(null);
  };
}
