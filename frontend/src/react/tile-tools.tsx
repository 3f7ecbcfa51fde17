/** The tools of one tile: they are shown while the tile is pointed at, has the focus, or was pressed for long. */

import { useEffect, useRef, useState } from "react";
import type { CameraSnapshot } from "../core/viewer/camera.js";
import type { WallChoices } from "../core/viewer/wall-choices.js";
import { canFullScreen } from "./full-screen.js";
import { IconButton } from "./icon-button.js";
import { useStore } from "./use-store.js";
import { useWords } from "./words.js";

export interface TileToolsProps {
  readonly camera: CameraSnapshot;
  readonly choices: WallChoices;
  readonly onSave: () => void;
  readonly onFullScreen: () => void;
  readonly onShare: (() => void) | undefined;
}

export function TileTools({ camera, choices, onSave, onFullScreen, onShare }: TileToolsProps) {
  const words = useWords();
  const { cameraId, name } = camera;
  const [open, setOpen] = useState(false);
  const tools = useRef<HTMLDivElement>(null);
  const pinned = useStore(choices.settings, () => choices.has("pinned", cameraId));
  const cropped = useStore(choices.settings, () => choices.has("cropped", cameraId));

  useEffect(() => {
    if (!open) return;
    const close = (event: Event): void => {
      if (!(event.target instanceof Node) || !tools.current?.contains(event.target)) setOpen(false);
    };
    window.addEventListener("pointerdown", close);
    return () => window.removeEventListener("pointerdown", close);
  }, [open]);

  const choose = (action: () => void) => (): void => {
    setOpen(false);
    action();
  };
  return (
    // Escape closes the menu, and the button has the focus again.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <div
      ref={tools}
      className="sky-tools"
      data-open={open}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        event.preventDefault();
        event.stopPropagation();
        setOpen(false);
        tools.current?.querySelector<HTMLElement>("[aria-expanded]")?.focus();
      }}
    >
      <IconButton
        icon="snapshot"
        label={words.camera.saveOf(name)}
        title={words.camera.save}
        disabled={camera.width === 0}
        onClick={onSave}
      />
      {canFullScreen() ? (
        <IconButton
          icon="expand"
          label={words.camera.fullScreenOf(name)}
          title={words.camera.fullScreen}
          onClick={onFullScreen}
        />
      ) : null}
      <IconButton
        icon="more"
        label={words.tile.moreOf(name)}
        title={words.tile.more}
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      />
      {open ? (
        <div className="sky-menu">
          <button type="button" onClick={choose(() => choices.mark("pinned", cameraId, !pinned))}>
            {pinned ? words.tile.doNotKeepFirst : words.tile.keepFirst}
          </button>
          <button type="button" onClick={choose(() => choices.mark("cropped", cameraId, !cropped))}>
            {cropped ? words.tile.whole : words.tile.fill}
          </button>
          {onShare ? (
            <button type="button" onClick={choose(onShare)}>
              {words.camera.shareLink}
            </button>
          ) : null}
          <button type="button" onClick={choose(() => choices.mark("hidden", cameraId, true))}>
            {words.tile.hide}
          </button>
        </div>
      ) : null}
    </div>
  );
}
