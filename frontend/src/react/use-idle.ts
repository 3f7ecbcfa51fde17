import { useEffect, useState } from "react";

const EVENTS = ["pointermove", "pointerdown", "keydown", "wheel", "focusin"] as const;

/**
 * Returns whether the person has done nothing for this long. While `busy`, it is always false. `toggle` makes it idle at
 * once, or ends it.
 */
export function useIdle(milliseconds: number, busy: boolean): readonly [boolean, () => void] {
  const [idle, setIdle] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const rest = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => setIdle(true), milliseconds);
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
