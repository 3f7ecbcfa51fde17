import { useEffect, useState } from "react";

const EVENTS = ["pointermove", "pointerdown", "keydown", "wheel", "focusin"] as const;

/** A control that has the focus by keyboard, or that the mouse rests on, must not disappear. */
const IN_USE = "[data-hides] :focus-visible, [data-hides] :hover";

/**
 * Returns whether the person has done nothing for this long, and uses no control inside an element with `data-hides`.
 * While `busy`, it is always false. The function makes it idle at once, or ends it.
 */
export function useIdle(milliseconds: number, busy: boolean): readonly [boolean, () => void] {
  const [idle, setIdle] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const rest = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        if (document.querySelector(IN_USE)) rest();
        else setIdle(true);
      }, milliseconds);
    };
    const active = (event: Event): void => {
      // A tap shows and hides the controls itself; a mouse only shows them.
      if (!(event instanceof PointerEvent) || event.pointerType !== "touch") setIdle(false);
      rest();
    };
    rest();
    for (const event of EVENTS) window.addEventListener(event, active, { passive: true });
    return () => {
      clearTimeout(timer);
      for (const event of EVENTS) window.removeEventListener(event, active);
    };
  }, [milliseconds]);
  return [idle && !busy, () => setIdle(!idle)];
}
