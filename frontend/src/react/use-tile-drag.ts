/** Moves a tile with the pointer: at once with a mouse, after a long press with a finger. */

import { useEffect, useRef, useState, type PointerEvent } from "react";

const THRESHOLD_PX = 8;
const LONG_PRESS_MS = 450;

export interface TileDrag {
  /** By how many pixels the tile is dragged; null while it is not. */
  readonly offset: { readonly x: number; readonly y: number } | null;
  /** Whether the tile was pressed for long, so that its tools are shown without a mouse. */
  readonly pressed: boolean;
  /** For the element that is pressed. */
  readonly handlers: {
    readonly onPointerDown: (event: PointerEvent) => void;
    readonly onPointerMove: (event: PointerEvent) => void;
    readonly onPointerUp: (event: PointerEvent) => void;
    readonly onPointerCancel: () => void;
    readonly onClickCapture: (event: React.MouseEvent) => void;
    readonly onContextMenu: (event: React.MouseEvent) => void;
  };
}

/** `onDrop` gets the id of the camera on whose tile this one was dropped. */
export function useTileDrag(cameraId: string, onDrop: (onto: string) => void): TileDrag {
  const [offset, setOffset] = useState<{ x: number; y: number } | null>(null);
  const [pressed, setPressed] = useState(false);
  // The state is rendered later than the next event comes, so what decides is in here.
  const start = useRef<{ x: number; y: number; ready: boolean; moves: boolean } | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const touch = useRef(false);
  /** The click that ends a drag or a long press is not meant as a click. */
  const swallow = useRef(false);

  useEffect(() => () => clearTimeout(timer.current), []);
  useEffect(() => {
    if (!pressed) return;
    const away = (event: Event): void => {
      if (!(event.target instanceof Element) || event.target.closest("article")?.dataset.camera !== cameraId)
        setPressed(false);
    };
    window.addEventListener("pointerdown", away);
    return () => window.removeEventListener("pointerdown", away);
  }, [pressed, cameraId]);

  const end = (): void => {
    clearTimeout(timer.current);
    start.current = null;
    setOffset(null);
  };
  return {
    offset,
    pressed,
    handlers: {
      onPointerDown: (event) => {
        swallow.current = false;
        touch.current = event.pointerType !== "mouse";
        if (event.button !== 0) return;
        start.current = { x: event.clientX, y: event.clientY, ready: !touch.current, moves: false };
        // A quick mouse has left the tile before its first move is reported. Fingers are captured by the browser.
        if (!touch.current) event.currentTarget.setPointerCapture(event.pointerId);
        else
          timer.current = setTimeout(() => {
            if (!start.current) return;
            start.current.ready = true;
            swallow.current = true;
            setPressed(true);
          }, LONG_PRESS_MS);
      },
      onPointerMove: (event) => {
        if (!start.current) return;
        const [x, y] = [event.clientX - start.current.x, event.clientY - start.current.y];
        const far = Math.hypot(x, y) > THRESHOLD_PX;
        // A finger that moves at once scrolls the page.
        if (far && !start.current.ready) end();
        else if (start.current.moves || far) {
          start.current.moves = true;
          swallow.current = true;
          setOffset({ x, y });
        }
      },
      onPointerUp: (event) => {
        const dragged = start.current?.moves === true;
        end();
        if (!dragged) return;
        const under = document
          .elementsFromPoint(event.clientX, event.clientY)
          .map((element) => element.closest<HTMLElement>("article[data-camera]")?.dataset.camera)
          .find((id) => id !== undefined && id !== cameraId);
        if (under !== undefined) onDrop(under);
      },
      onPointerCancel: end,
      onClickCapture: (event) => {
        if (!swallow.current) return;
        swallow.current = false;
        event.preventDefault();
        event.stopPropagation();
      },
      onContextMenu: (event) => {
        // A long press with a finger is ours.
        if (touch.current) event.preventDefault();
      },
    },
  };
}
