import {
  useCallback,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
  type RefObject,
} from "react";
import type { ViewerSnapshot } from "../core/viewer/snapshot.js";
import { CameraTile } from "./camera-tile.js";
import { chooseLayout, GAP, type Space } from "./layout.js";
import { useStore } from "./use-store.js";
import type { Viewer } from "./use-viewer.js";

export interface CameraGridProps {
  readonly viewer: Viewer;
  /** Returns the address of a page that shows only this camera; if left out, there is no link to such a page. */
  readonly hrefOf?: (cameraId: string) => string;
}

/** Shows all cameras. One camera fills the page when it is chosen. Arrow keys move between cameras. */
export function CameraGrid({ viewer, hrefOf }: CameraGridProps) {
  const cameraIds = useCameraIds(viewer);
  const [chosen, choose] = useState<string | null>(null);
  const grid = useRef<HTMLDivElement>(null);
  const space = useSpace(grid);
  const { columns, tileWidth } = chooseLayout(cameraIds.length, space);
  // The other cameras are shown again if the chosen one disappears.
  const full = chosen !== null && cameraIds.includes(chosen) ? chosen : null;

  const onStep = useCallback(
    (by: number) =>
      choose((current) => cameraIds.at((cameraIds.indexOf(current ?? "") + by) % cameraIds.length) ?? null),
    [cameraIds],
  );

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
    // The arrow keys are a shortcut; Tab reaches every camera too.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <div
      ref={grid}
      className="sky-grid"
      style={{ gap: GAP, gridTemplateColumns: `repeat(${columns}, ${tileWidth}px)` }}
      onKeyDown={onKeyDown}
    >
      {cameraIds.map((cameraId) => (
        <CameraTile
          key={cameraId}
          viewer={viewer}
          cameraId={cameraId}
          full={cameraId === full}
          hidden={full !== null && cameraId !== full}
          href={hrefOf?.(cameraId)}
          onChoose={choose}
          onStep={onStep}
        />
      ))}
    </div>
  );
}

function moveBy(key: string, columns: number): number {
  return { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key] ?? Number.NaN;
}

/**
 * Returns the ids of the cameras in the order in which they are shown. Returns the same array as long as the ids and
 * their order do not change.
 */
function useCameraIds(viewer: Viewer): readonly string[] {
  const joined = useStore(viewer.snapshot, joinIds);
  return useMemo(() => (joined === "" ? [] : joined.split(SEPARATOR)), [joined]);
}

/** A character that is in no camera id. */
const SEPARATOR = " ";

function joinIds({ cameras }: ViewerSnapshot): string {
  return cameras.map(({ cameraId }) => cameraId).join(SEPARATOR);
}

/** Returns the space from the grid's top left corner to the bottom of the window. */
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
    // The content above the grid may change its height too.
    observer.observe(document.body);
    window.addEventListener("resize", measure);
    return () => {
      observer.disconnect();
      window.removeEventListener("resize", measure);
    };
  }, [element]);
  return space;
}
