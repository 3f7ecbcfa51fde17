/** Jumps from event to event. */

import { useRef, useState } from "react";
import type { History } from "../core/viewer/history.js";
import { IconButton } from "./icon-button.js";
import { useWindowKeys } from "./use-modal.js";
import { useWords } from "./words.js";

export interface EventButtonsProps {
  readonly history: History;
  readonly cameraIds: readonly string[];
  /** The moment that is shown. */
  readonly at: number;
  readonly onEvent: (at: number) => void;
}

export function EventButtons({ history, cameraIds, at, onEvent }: EventButtonsProps) {
  const words = useWords();
  const [said, say] = useState("");
  const group = useRef<HTMLSpanElement>(null);
  const jump = async (direction: -1 | 1): Promise<void> => {
    const event = await history.eventFrom(cameraIds, at, direction);
    say(
      event
        ? `${event.label}, ${words.format.dateTime(event.from)}`
        : direction > 0
          ? words.history.noEventAfter
          : words.history.noEventBefore,
    );
    if (event) onEvent(event.from);
  };
  useWindowKeys((event) => {
    if (event.key.toLowerCase() !== "e" || event.altKey) return false;
    // The buttons of the wall stay behind a camera that fills the page.
    if (group.current?.closest("[inert]")) return false;
    void jump(event.shiftKey ? -1 : 1);
    return true;
  });
  return (
    <span ref={group} className="sky-events" role="group" aria-label={words.history.events}>
      <IconButton icon="previous" label={words.history.eventBefore} onClick={() => void jump(-1)} />
      <span className="sky-events__mark" aria-hidden="true" />
      <IconButton icon="next" label={words.history.eventAfter} onClick={() => void jump(1)} />
      <span className="sky-events__said" role="status" key={said}>
        {said}
      </span>
    </span>
  );
}
