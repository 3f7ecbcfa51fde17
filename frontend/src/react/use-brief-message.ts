/** A short text for the person, such as "Link copied", that disappears by itself. */

import { useEffect, useState } from "react";

const SHOWN_FOR_MS = 5000;

/** Returns the text that is shown now, which is empty most of the time, and a function that shows another one. */
export function useBriefMessage(): [string, (text: string) => void] {
  const [text, show] = useState("");
  useEffect(() => {
    if (text === "") return;
    const timer = setTimeout(() => show(""), SHOWN_FOR_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return [text, show];
}
