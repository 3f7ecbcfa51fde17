import { useEffect, useState } from "react";

/** Returns the whole seconds until `until`, in milliseconds by Date.now(); 0 without one. */
export function useCountdown(until: number | null): number {
  const [at, setAt] = useState(() => Date.now());
  useEffect(() => {
    if (until === null) return;
    const tick = (): void => setAt(Date.now());
    tick();
    const timer = setInterval(tick, 250);
    return () => clearInterval(timer);
  }, [until]);
  return until === null ? 0 : Math.max(0, Math.ceil((until - at) / 1000));
}
