import { useLayoutEffect, useRef, useState, type KeyboardEvent, type RefObject } from "react";
import type { CameraSnapshot } from "../core/viewer/camera.js";
import type { Painter } from "../core/viewer/painter.js";
import { CameraTile } from "./camera-tile.js";
import type { ViewerControls } from "./use-viewer.js";
import { chooseLayout, GAP, type Space } from "./layout.js";

export interface CameraGridProps {
  readonly cameras: readonly CameraSnapshot[];
  readonly painter: Painter | null;
  /** Of the session that feeds the painter; left out, every camera comes as large as it is, seen or not. */
  readonly controls?: ViewerControls | null;
  /** As the session's snapshot says; true if left out. */
  readonly boxesShown?: boolean;
  /** The address that shows one camera alone; left out, there is no link to it. */
  readonly hrefOf?: (cameraId: string) => string;
}

/** All cameras at once; one fills the page when chosen. Arrow keys move between cameras. */
export function CameraGrid({
  cameras,
  painter,
  controls = null,
  boxesShown = true,
  hrefOf,
}: CameraGridProps) {
  const [chosen, setChosen] = useState<string | null>(null);
  const grid = useRef<HTMLDivElement>(null);
  const space = useSpace(grid);
  const { columns, tileWidth } = chooseLayout(cameras.length, space);
  // A camera that has gone gives the page back.
  const full = cameras.some((camera) => camera.cameraId === chosen) ? chosen : null;

  const step = (by: number): void => {
    const index = cameras.findIndex((camera) => camera.cameraId === full);
    setChosen(cameras.at((index + by) % cameras.length)?.cameraId ?? null);
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    if (full !== null) return;
    const openers = [...(grid.current?.querySelectorAll<HTMLButtonElement>(".sky-tile__open") ?? [])];
    const index = openers.findIndex((opener) => opener === document.activeElement);
    const target = index < 0 ? undefined : openers[index + moveBy(event.key, columns)];
    if (!target) return;
    event.preventDefault();
    target.focus();
  };

  return (
    // The arrow keys are a short cut; Tab reaches every camera as well.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <div
      ref={grid}
      className="sky-grid"
      style={{ gap: GAP, gridTemplateColumns: `repeat(${columns}, ${tileWidth}px)` }}
      onKeyDown={onKeyDown}
    >
      {painter &&
        cameras.map((camera) => (
          <CameraTile
            key={camera.cameraId}
            camera={camera}
            painter={painter}
            controls={controls}
            boxesShown={boxesShown}
            full={camera.cameraId === full}
            hidden={full !== null && camera.cameraId !== full}
            href={hrefOf?.(camera.cameraId)}
            onOpen={() => setChosen(camera.cameraId)}
            onClose={() => setChosen(null)}
            onStep={step}
          />
        ))}
    </div>
  );
}

function moveBy(key: string, columns: number): number {
  return { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key] ?? Number.NaN;
}

/** The room from the grid's top left corner to the bottom of the window. */
function useSpace(element: RefObject<HTMLElement | null>): Space {
  const [space, setSpace] = useState<Space>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const grid = element.current;
    if (!grid) return;
    const measure = (): void => {
      const { top } = grid.getBoundingClientRect();
      const width = grid.clientWidth;
      const height = window.innerHeight - (top + window.scrollY) - 2 * GAP;
      setSpace((before) => (before.width === width && before.height === height ? before : { width, height }));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(grid);
    // What stands above the grid may grow or shrink too.
    observer.observe(document.body);
    window.addEventListener("resize", measure);
    return () => {
      observer.disconnect();
      window.removeEventListener("resize", measure);
    };
  }, [element]);
  return space;
}
