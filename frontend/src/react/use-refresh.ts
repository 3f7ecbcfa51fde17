import { useEffect, useState } from "react";

/** Renders the component again and again, because time goes on although nothing else changes. */
export function useRefresh(milliseconds: number): void {
  const [, refresh] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => refresh((count) => count + 1), milliseconds);
    return () => clearInterval(timer);
  }, [milliseconds]);
}
