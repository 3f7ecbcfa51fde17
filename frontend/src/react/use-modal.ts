/** Makes an element the only part of the page that can be used, and returns the focus when it is gone. */

import { useEffect, useLayoutEffect, useRef, type RefObject } from "react";

/**
 * Everything outside the element becomes inert, so that Tab and screen readers stay inside. A `<dialog>` would do the
 * same, but an element that goes to the full screen later would cover it.
 */
export function useModal(element: RefObject<HTMLElement | null>): void {
  useLayoutEffect(() => {
    const modal = element.current;
    if (!modal) return;
    const before = document.activeElement;
    const made: Element[] = [];
    for (
      let inside: Element = modal;
      inside !== document.body && inside.parentElement;
      inside = inside.parentElement
    )
      for (const other of inside.parentElement.children)
        if (other !== inside && !other.hasAttribute("inert")) {
          other.toggleAttribute("inert", true);
          made.push(other);
        }
    modal.focus({ preventScroll: true });
    return () => {
      for (const other of made) other.toggleAttribute("inert", false);
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, [element]);
}

/**
 * Calls back for every key that is pressed anywhere on the page, because the focus may be lost when the browser leaves the
 * full screen. `onKey` returns whether it has used the key.
 */
export function useWindowKeys(onKey: (event: KeyboardEvent) => boolean): void {
  const latest = useRef(onKey);
  useEffect(() => {
    latest.current = onKey;
  });
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey) return;
      const on = event.target instanceof Element ? event.target : null;
      // Text fields and lists have their own keys.
      if (
        on?.matches("input:not([type=range]), select, textarea, [contenteditable]") &&
        event.key !== "Escape"
      )
        return;
      if ((event.key === " " || event.key === "Enter") && on?.matches("button, a, summary, label")) return;
      if (latest.current(event)) event.preventDefault();
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, []);
}

/** Returns the name of a key, whether Shift or the caps lock is on or not. */
export function keyOf({ key }: KeyboardEvent): string {
  return key.length === 1 ? key.toLowerCase() : key;
}
