import { useCallback, useEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { FreshCameras } from "../core/viewer/fresh-cameras.js";
import { WallChoices } from "../core/viewer/wall-choices.js";
import type { LayoutName } from "../core/viewer/wall-layout.js";
import type { WallPlayback } from "../core/viewer/wall-playback.js";
import type { ViewerSnapshot } from "../core/viewer/snapshot.js";
import { CameraTile } from "./camera-tile.js";
import { CameraView } from "./camera-view.js";
import { canFullScreen, toggleFullScreen } from "./full-screen.js";
import { FailureNotice } from "./link-status.js";
import { savePicture } from "./save-picture.js";
import { shareLink } from "./share-link.js";
import { keyOf, useWindowKeys } from "./use-modal.js";
import { useStore } from "./use-store.js";
import type { Viewer } from "./use-viewer.js";
import { useSpace, useWall, type Wall } from "./use-wall.js";
import { useWords } from "./words.js";

export interface CameraGridProps {
  readonly viewer: Viewer;
  /** Returns the address of a page that shows only this camera; if left out, there is no link to such a page. */
  readonly hrefOf?: ((cameraId: string) => string) | undefined;
  /** What the person has chosen: order, hidden cameras and so on. If left out, it lasts as long as the component. */
  readonly choices?: WallChoices | undefined;
  /** The camera that fills the page, or null. If left out, the component keeps it itself. */
  readonly opened?: string | null | undefined;
  /** A camera is to fill the page; null shows all cameras again. `step` says that it replaces another camera. */
  readonly onOpen?: ((cameraId: string | null, step: boolean) => void) | undefined;
  /** The moment at which the playback of the opened camera begins, in milliseconds since the epoch. */
  readonly openedAt?: number | null | undefined;
  /** Another number means that Back or Forward has led to `openedAt`. */
  readonly visit?: number | undefined;
  /** The person goes to a moment far away. Called before the playback goes there. */
  readonly onJump?: ((at: number) => void) | undefined;
  /** The playback stands still at this moment, or runs if null. */
  readonly onPaused?: ((at: number | null) => void) | undefined;
  /** The name of the group to show; null or left out means all cameras. */
  readonly group?: string | null | undefined;
  /** The only cameras to show, in this order; empty or left out means all. */
  readonly only?: readonly string[] | undefined;
  /** If left out, the layout is the one that the person has chosen. */
  readonly layout?: LayoutName | null | undefined;
  /** What to show while the wall has no camera. If left out, the wall says why the server does not serve this page. */
  readonly empty?: ReactNode;
  /** Plays all cameras of the wall in step; the wall tells it which cameras it shows. */
  readonly playback?: WallPlayback | null | undefined;
  /** Only pictures, and pages that turn by themselves. */
  readonly kiosk?: boolean | undefined;
}

const NOBODY: readonly string[] = [];
const TURN_EVERY_MS = 10_000;
/** Pixels below the wall for the dots of its pages. */
const DOTS_HEIGHT = 28;

/** Shows all cameras as a wall of pictures. One camera fills the page when it is chosen. */
export function CameraGrid(props: CameraGridProps) {
  const {
    viewer,
    hrefOf,
    onOpen,
    openedAt = null,
    onPaused,
    group = null,
    only = NOBODY,
    kiosk = false,
  } = props;
  const ownChoices = useMemo(() => new WallChoices(), []);
  const choices = props.choices ?? ownChoices;
  const [ownOpened, setOwnOpened] = useState<string | null>(null);
  const opened = props.opened === undefined ? ownOpened : props.opened;
  const chosenLayout = useStore(choices.settings, (settings) => settings.layout);
  const [page, setPage] = useState(0);
  const wall = useRef<HTMLDivElement>(null);
  const below = kiosk ? 0 : DOTS_HEIGHT;
  const whole = useSpace(wall, 6);
  const options = { viewer, choices, group, only, layout: props.layout ?? chosenLayout, page };
  const unpaged = useWall({ ...options, space: whole });
  const less = useMemo(() => ({ width: whole.width, height: whole.height - below }), [whole, below]);
  const paged = useWall({ ...options, space: less });
  const shown = unpaged.pages > 1 ? paged : unpaged;
  const { playback } = props;
  useEffect(() => {
    playback?.setCameras(opened === null ? shown.cameraIds : NOBODY);
  }, [playback, opened, shown.cameraIds]);

  useEffect(() => {
    if (!kiosk || shown.pages < 2 || opened !== null) return;
    const timer = setInterval(() => setPage((before) => (before + 1) % shown.pages), TURN_EVERY_MS);
    return () => clearInterval(timer);
  }, [kiosk, shown.pages, opened]);

  const open = useCallback(
    (cameraId: string | null, step = false) => {
      setOwnOpened(cameraId);
      onOpen?.(cameraId, step);
    },
    [onOpen],
  );
  const onTileOpen = useCallback(
    (cameraId: string, fullScreen: boolean) => {
      if (fullScreen && !document.fullscreenElement) toggleFullScreen();
      open(cameraId);
    },
    [open],
  );
  const { all } = shown;
  const onDrop = useCallback(
    (cameraId: string, onto: string) => {
      // Dropped on a later tile, it takes the place behind that tile.
      const later = all.indexOf(onto) > all.indexOf(cameraId);
      choices.move(cameraId, later ? (all[all.indexOf(onto) + 1] ?? null) : onto, group);
    },
    [all, choices, group],
  );
  const onShare = useMemo(
    () => hrefOf && ((cameraId: string, name: string) => void shareLink(hrefOf(cameraId), name, "")),
    [hrefOf],
  );
  const onStep = (by: number): void => {
    const next = all.at((all.indexOf(opened ?? "") + by) % all.length);
    if (next !== undefined) open(next, true);
  };

  const freshCameras = useMemo(() => new FreshCameras(), []);
  const fresh = useStore(freshCameras.cameraIds);
  const present = useStore(viewer.snapshot, idsOf);
  useEffect(() => freshCameras.note(present === "" ? NOBODY : present.split(" ")), [freshCameras, present]);
  useEffect(() => () => freshCameras.stop(), [freshCameras]);

  const lastOpened = useRef(opened);
  useEffect(() => {
    const before = lastOpened.current;
    lastOpened.current = opened;
    if (opened !== null || before === null) return;
    // The focus is where the person was last, so that the keys go on from there.
    const openers = [...(wall.current?.querySelectorAll<HTMLElement>(".sky-tile__open") ?? [])];
    const own = openers.find((opener) => opener.closest<HTMLElement>("article")?.dataset.camera === before);
    (own ?? openers[0])?.focus({ preventScroll: own === undefined });
  }, [opened]);

  useWindowKeys((event) => {
    if (opened !== null || event.altKey) return false;
    const focused = wall.current?.contains(document.activeElement)
      ? document.activeElement?.closest<HTMLElement>("article")?.dataset.camera
      : undefined;
    const keys: Record<string, (() => void) | undefined> = {
      i: () => choices.set({ figures: !choices.settings.getSnapshot().figures }),
      ...(canFullScreen() && { f: () => (focused ? onTileOpen(focused, true) : toggleFullScreen()) }),
      ...(focused && { s: () => void savePicture(viewer, focused) }),
      ...(shown.pages > 1 && {
        PageDown: () => setPage(Math.min(shown.page + 1, shown.pages - 1)),
        PageUp: () => setPage(Math.max(shown.page - 1, 0)),
      }),
    };
    const action = keys[keyOf(event)];
    action?.();
    return action !== undefined;
  });

  const onKeyDown = (event: KeyboardEvent): void => {
    if (opened !== null) return;
    const tiles = [...(wall.current?.querySelectorAll<HTMLElement>(".sky-tile") ?? [])];
    const index = tiles.findIndex((tile) => tile.querySelector(".sky-tile__open") === document.activeElement);
    if (index < 0 || !event.key.startsWith("Arrow")) return;
    const target = neighbour(shown, index, event.key);
    if (target === undefined) return;
    event.preventDefault();
    const [cameraId, onto] = [shown.cameraIds[index], shown.cameraIds[target]];
    if (event.altKey && cameraId !== undefined && onto !== undefined) onDrop(cameraId, onto);
    else tiles[target]?.querySelector<HTMLElement>(".sky-tile__open")?.focus();
  };

  return (
    <>
      {/* The arrow keys are a shortcut; Tab reaches every camera too. */}
      {/* eslint-disable-next-line jsx-a11y/no-static-element-interactions */}
      <div
        ref={wall}
        className="sky-wall"
        data-kiosk={kiosk}
        style={{ height: shown.height }}
        onKeyDown={onKeyDown}
      >
        {shown.cameraIds.map((cameraId, index) => (
          <CameraTile
            key={cameraId}
            viewer={viewer}
            choices={choices}
            cameraId={cameraId}
            {...(shown.places[index] ?? NOWHERE)}
            hidden={opened !== null}
            fresh={fresh.includes(cameraId)}
            onOpen={onTileOpen}
            onDrop={onDrop}
            onShare={onShare}
            playback={playback}
          />
        ))}
      </div>
      {all.length === 0 && opened === null ? (props.empty ?? <FailureNotice viewer={viewer} />) : null}
      {shown.pages > 1 && !kiosk ? <PageDots {...shown} onPage={setPage} /> : null}
      {opened === null ? null : (
        <CameraView
          viewer={viewer}
          choices={choices}
          cameraId={opened}
          others={all}
          startAt={openedAt}
          visit={props.visit ?? 0}
          onPaused={onPaused}
          onJump={props.onJump}
          onOpen={open}
          onStep={onStep}
          hrefOf={hrefOf}
        />
      )}
    </>
  );
}

function idsOf({ cameras }: ViewerSnapshot): string {
  return cameras.map(({ cameraId }) => cameraId).join(" ");
}

const NOWHERE = { left: 0, top: 0, width: 0, height: 0 };

function PageDots({ page, pages, onPage }: { page: number; pages: number; onPage: (page: number) => void }) {
  const words = useWords();
  return (
    <nav className="sky-dots" aria-label={words.wall.pages}>
      {Array.from({ length: pages }, (_, index) => (
        <button
          key={index}
          type="button"
          aria-label={words.wall.page(index + 1, pages)}
          aria-current={index === page ? "page" : undefined}
          onClick={() => onPage(index)}
        />
      ))}
    </nav>
  );
}

/** Returns the index of the tile that is next to a tile in the direction of an arrow key. */
function neighbour({ places }: Wall, index: number, key: string): number | undefined {
  const count = places.length;
  if (key === "ArrowLeft") return index > 0 ? index - 1 : undefined;
  if (key === "ArrowRight") return index + 1 < count ? index + 1 : undefined;
  const here = places[index];
  if (!here) return undefined;
  const middle = here.left + here.width / 2;
  let best: { index: number; distance: number } | undefined;
  places.forEach((place, other) => {
    const below = place.top - here.top;
    if (key === "ArrowDown" ? below <= 0 : below >= 0) return;
    // The nearest row counts most.
    const distance = 10 * Math.abs(below) + Math.abs(place.left + place.width / 2 - middle);
    if (!best || distance < best.distance) best = { index: other, distance };
  });
  return best?.index;
}
