import { memo, useEffect, useRef, useState, type KeyboardEvent } from "react";
import { now } from "../core/clock.js";
import type { CameraSnapshot, CameraStatus } from "../core/viewer/camera.js";
import type { Surface } from "../core/viewer/painter.js";
import { watchVisibility } from "../core/viewer/visibility.js";
import { Figure } from "./figure.js";
import { formatAge, formatBack, formatCount, formatFps, formatRate, formatSpeed } from "./format.js";
import { IconButton, IconLink } from "./icon-button.js";
import { Icon, ICONS } from "./icons.js";
import { describeLatency, LatencyParts } from "./latency.js";
import { SKIP_BACK_SECONDS, Timeline } from "./timeline.js";
import { usePlaybackController } from "./use-playback.js";
import { useStore } from "./use-store.js";
import type { Viewer } from "./use-viewer.js";

const AGE_EVERY_MS = 1000;

const STATUS_TEXT: Record<CameraStatus, string> = {
  waiting: "Waiting",
  live: "Live",
  stalled: "Stalled",
  offline: "Offline",
  stopped: "Stopped",
  unknown: "Unknown",
};

export interface CameraTileProps {
  readonly viewer: Viewer;
  readonly cameraId: string;
  readonly full: boolean;
  /** Another tile fills the page, so this tile cannot be used. */
  readonly hidden: boolean;
  /** The address of a page that shows only this camera, if there is one. */
  readonly href: string | undefined;
  /** Fills the page with a camera, or shows all cameras again if null. */
  readonly onChoose: (cameraId: string | null) => void;
  readonly onStep: (by: number) => void;
}

/** One camera: its picture, state and figures. Renders again only when the state of this camera changes. */
export const CameraTile = memo(function CameraTile({ cameraId, ...props }: CameraTileProps) {
  const camera = useStore(props.viewer.snapshot, ({ cameras }) =>
    cameras.find((one) => one.cameraId === cameraId),
  );
  return camera ? <Tile camera={camera} {...props} /> : null;
});

interface TileProps extends Omit<CameraTileProps, "cameraId"> {
  readonly camera: CameraSnapshot;
}

function Tile({ camera, viewer, full, hidden, href, onChoose, onStep }: TileProps) {
  const { snapshot, painter, controls } = viewer;
  const { cameraId, name, status } = camera;
  const boxesShown = useStore(snapshot, (state) => state.boxesShown);
  const picture = useRef<HTMLDivElement>(null);
  const tile = useRef<HTMLElement>(null);
  const opener = useRef<HTMLButtonElement>(null);
  const surface = useRef<Surface | null>(null);

  // The canvas belongs to the painter, not to React, so frames never cause a render.
  useEffect(() => {
    if (!painter) return;
    const opened = painter.open(cameraId);
    surface.current = opened;
    opened.canvas.className = "sky-tile__canvas";
    picture.current?.append(opened.canvas);
    return () => {
      opened.canvas.remove();
      opened.close();
      surface.current = null;
    };
  }, [painter, cameraId]);

  // Only visible cameras are subscribed, each with the width limit that fits its size on the page.
  useEffect(() => {
    if (!controls || !picture.current) return;
    const setShownWidth = (pixels: number | null): void => controls.setShownWidth(cameraId, pixels);
    if (!hidden) return watchVisibility(picture.current, setShownWidth);
    setShownWidth(null);
    return undefined;
  }, [controls, cameraId, hidden]);

  const controller = usePlaybackController(camera, controls, full);
  const { playback } = camera;
  const playing = full && playback !== null && !playback.live;

  const wasFull = useRef(false);
  useEffect(() => {
    // The tile gets the focus and not one of its buttons, so that the space bar pauses the picture.
    if (full) tile.current?.focus();
    else if (wasFull.current) opener.current?.focus();
    wasFull.current = full;
  }, [full]);

  const save = async (): Promise<void> => {
    const jpeg = await surface.current?.snapshot();
    if (jpeg) download(jpeg, `${cameraId}-${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}.jpg`);
  };
  const toggleFullScreen = (): void => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else tile.current?.requestFullscreen().catch(() => undefined);
  };
  const toggleBoxes = (): void => controls?.setBoxesShown(!boxesShown);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const on = event.target instanceof Element ? event.target.tagName : "";
    // Lists and buttons have their own keys.
    if (on === "SELECT" || (event.key === " " && (on === "BUTTON" || on === "A"))) return;
    const steps = controller && (playing || on === "INPUT") ? (by: number) => controller.step(by) : onStep;
    const keys: Record<string, (() => void) | undefined> = {
      s: () => void save(),
      f: toggleFullScreen,
      b: toggleBoxes,
      ...(full && {
        Escape: () => onChoose(null),
        ArrowLeft: () => steps(-1),
        ArrowRight: () => steps(1),
      }),
      ...(controller && {
        ",": () => controller.step(-1),
        ".": () => controller.step(1),
        " ": () => (playing && playback.speed === 0 ? controller.play() : controller.pause()),
        j: () => controller.skipBack(SKIP_BACK_SECONDS),
        l: () => controller.goLive(),
      }),
    };
    const action = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  };

  const seen = camera.width > 0;
  const flows = status === "live" || status === "stalled";
  return (
    // The keys work anywhere in the tile. There is also a button for each of these actions.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <article
      ref={tile}
      className={full ? "sky-tile sky-tile--full" : "sky-tile"}
      data-status={status}
      data-camera={cameraId}
      data-playback={playing}
      aria-label={`${name}, ${playing ? "playback" : STATUS_TEXT[status].toLowerCase()}`}
      inert={hidden}
      tabIndex={-1}
      onKeyDown={onKeyDown}
    >
      <div className="sky-tile__picture">
        <div ref={picture} className="sky-tile__place" />
        {seen ? null : (
          <p className="sky-tile__empty">
            <Icon path={status === "offline" ? ICONS.offline : ICONS.camera} />
            {status === "offline" ? "No picture: the camera is offline" : "Waiting for the first picture"}
          </p>
        )}
        {full ? null : (
          <button ref={opener} type="button" className="sky-tile__open" onClick={() => onChoose(cameraId)}>
            <span className="sky-visually-hidden">Show {name} in full size</span>
          </button>
        )}
        {playing ? (
          <p className="sky-tile__playback">
            Not live ·{" "}
            <span className="sky-tile__back" data-figure="back">
              {formatBack(playback.newestAt - playback.at)}
            </span>{" "}
            · {playback.speed === 0 ? "paused" : formatSpeed(playback.speed)}
          </p>
        ) : null}
        {seen && (status === "stalled" || status === "offline") ? (
          <p className="sky-tile__notice">
            {status === "stalled" ? "No new picture for" : "Offline, last picture from"}{" "}
            <Age since={camera.takenAt} />
            {status === "offline" ? " ago" : ""}
          </p>
        ) : null}
      </div>
      {full && playback && controller && controls ? (
        <Timeline
          cameraId={cameraId}
          name={name}
          playback={playback}
          controller={controller}
          controls={controls}
        />
      ) : null}
      <header className="sky-tile__bar">
        <span className="sky-status" data-status={playing ? "playback" : status}>
          {playing ? "Playback" : STATUS_TEXT[status]}
        </span>
        <h2 className="sky-tile__name" title={name === cameraId ? cameraId : `${name} (${cameraId})`}>
          <bdi>{name}</bdi>
        </h2>
        <span className="sky-tile__actions">
          {camera.hasResults && controls ? (
            <IconButton
              icon="boxes"
              label="Boxes on the pictures"
              aria-pressed={boxesShown}
              onClick={toggleBoxes}
            />
          ) : null}
          <IconButton
            icon="download"
            label={`Save a picture of ${name}`}
            title="Save a picture"
            onClick={() => void save()}
            disabled={!seen}
          />
          <IconButton
            icon="expand"
            label={`Show ${name} on the full screen`}
            title="Full screen"
            onClick={toggleFullScreen}
          />
          {full && href !== undefined ? (
            <IconLink
              icon="link"
              label={`Page with only ${name}`}
              title="Page with only this camera"
              href={href}
            />
          ) : null}
          {full ? (
            <>
              <IconButton icon="previous" label="Previous camera" onClick={() => onStep(-1)} />
              <IconButton icon="next" label="Next camera" onClick={() => onStep(1)} />
              <IconButton icon="close" label="Back to all cameras" onClick={() => onChoose(null)} />
            </>
          ) : null}
        </span>
      </header>
      <dl className="sky-figures sky-tile__figures">
        <Figure label="Painted" value={flows ? formatFps(camera.fps) : "–"} name="fps" />
        <Figure
          label="Latency"
          value={flows && !playing ? formatAge(camera.latency?.total ?? camera.delay) : "–"}
          name="latency"
          title={camera.latency ? describeLatency(camera.latency) : undefined}
        />
        <Figure label="Data" value={flows ? formatRate(camera.bytesPerSecond) : "–"} name="rate" />
        <Figure label="Size" value={seen ? `${camera.width}×${camera.height}` : "–"} name="size" />
        <Figure label="Drops" value={formatCount(camera.dropped)} name="drops" />
      </dl>
      {full && (playback || camera.latency) ? (
        <LatencyParts latency={flows && !playing ? camera.latency : null} />
      ) : null}
    </article>
  );
}

/** Shows the time since a frame was captured, and updates it every second. */
function Age({ since }: { since: number | null }) {
  const [at, setAt] = useState(now);
  useEffect(() => {
    const timer = setInterval(() => setAt(now()), AGE_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return formatAge(since === null ? null : Math.max(0, at - since));
}

function download(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser reads the blob later.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
