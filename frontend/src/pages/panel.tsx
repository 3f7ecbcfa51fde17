/** A drawer at the right side. It lies over the wall, so no picture moves when it opens. */

import { useEffect, useRef, type ReactNode } from "react";
import { IconButton } from "../react/icon-button.js";
import { useWindowKeys } from "../react/use-modal.js";
import { useWords } from "../react/words.js";

export interface PanelProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

export function Panel({ title, onClose, children }: PanelProps) {
  const words = useWords();
  const panel = useRef<HTMLElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    panel.current?.focus({ preventScroll: true });
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  useWindowKeys((event) => {
    // A camera that fills the page lies above the drawer and is closed first.
    if (event.key !== "Escape" || document.querySelector(".sky-view")) return false;
    onClose();
    return true;
  });
  return (
    <aside ref={panel} className="page-drawer" aria-label={title} tabIndex={-1}>
      <header className="page-drawer__head">
        <h2>{title}</h2>
        <IconButton
          icon="close"
          label={words.page.closePanel(title)}
          title={words.page.close}
          onClick={onClose}
        />
      </header>
      {children}
    </aside>
  );
}
