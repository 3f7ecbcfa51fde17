/** The small parts of the camera view: its state, its figures, the map of a zoomed picture and the other cameras. */

import { memo, useRef, type PointerEvent } from "react";
import { now } from "../core/clock.js";
import type { CameraSnapshot } from "../core/viewer/camera.js";
import type { PlaybackState } from "../core/viewer/playback.js";
import type { Format } from "../core/words/format.js";
import { visiblePart, type Size, type Zoom } from "../core/viewer/zoom.js";
import { Figure } from "./figure.js";
import { LatencyParts } from "./latency.js";
import { StatusNote } from "./status-text.js";
import { usePicture, useShownSize } from "./use-picture.js";
import { useStore } from "./use-store.js";
import type { Viewer } from "./use-viewer.js";
import { useServerPicture } from "./use-server-picture.js";
import { useWords } from "./words.js";

export interface PillProps {
  readonly camera: CameraSnapshot;
  /** The playback, if the camera is not live. */
  readonly playing: PlaybackState | null;
  readonly lost: boolean;
}

/** Says whether the picture is live, and if not, from when it is. */
export function Pill({ camera, playing, lost }: PillProps) {
  const words = useWords();
  const { format } = words;
  if (playing)
    return (
      <p className="sky-pill sky-pill--playback" data-status="playback">
        <span className="sky-visually-hidden">{words.view.notLive} · </span>
        {words.view.replaying} · <span data-figure="clock">{format.tenthsOf(playing.at, now())}</span> ·{" "}
        <span data-figure="back">{words.view.ago(behind(format, playing.newestAt - playing.at))}</span> ·{" "}
        {playing.speed === 0 ? words.view.paused : format.speed(playing.speed)}
      </p>
    );
  const { status } = camera;
  const delayed = status === "live" && camera.boxDelay > 0;
  return (
    <p className="sky-pill" data-status={status}>
      <span className="sky-dot" data-status={status} />
      {saysState(camera, lost) ? "" : words.status[status]}
      {(status === "stalled" && camera.takenAt !== null) || (status === "unknown" && lost) ? " ·" : ""}
      {delayed ? ` +${format.seconds(camera.boxDelay)}` : ""} <StatusNote camera={camera} lost={lost} />
    </p>
  );
}

/** Returns whether the note of a state begins with the name of the state, or says it better. */
function saysState({ status, known }: CameraSnapshot, lost: boolean): boolean {
  return status === "offline" || status === "stopped" || (status === "unknown" && !known && !lost);
}

function behind(format: Format, milliseconds: number): string {
  return milliseconds < 60_000 ? format.seconds(Math.max(0, milliseconds)) : format.whole(milliseconds);
}

/** All figures of the camera, with the stages of its latency. */
export function ViewFigures({ camera, playing }: { camera: CameraSnapshot; playing: boolean }) {
  const words = useWords();
  const { format } = words;
  const flows = playing || camera.status === "live" || camera.status === "stalled";
  return (
    <section className="sky-view__figures" aria-label={words.view.figures}>
      <dl className="sky-figures">
        <Figure label={words.figures.painted} value={flows ? format.fps(camera.fps) : "–"} name="fps" />
        <Figure
          label={words.figures.latency}
          value={flows && !playing ? format.age(camera.latency?.total ?? camera.delay) : "–"}
          name="latency"
        />
        <Figure
          label={words.figures.data}
          value={flows ? format.rate(camera.bytesPerSecond) : "–"}
          name="rate"
        />
        <Figure
          label={words.figures.size}
          value={camera.width > 0 ? `${camera.width}×${camera.height}` : "–"}
          name="size"
        />
        <Figure label={words.figures.drops} value={format.count(camera.dropped)} name="drops" />
      </dl>
      <LatencyParts latency={flows && !playing ? camera.latency : null} />
    </section>
  );
}

export interface MinimapProps {
  readonly zoom: Zoom;
  readonly aspect: number;
  readonly stage: Size;
  /** The address of a small picture of the whole. */
  readonly picture: string | undefined;
  /** Requests this picture with a token; left out if it needs none. */
  readonly request?: typeof fetch | undefined;
  readonly onMove: (x: number, y: number) => void;
}

/** The whole picture, small, with a frame around the part that is shown. */
export function Minimap({ zoom, aspect, stage, picture, request, onMove }: MinimapProps) {
  const shown = useServerPicture(picture, request);
  const part = visiblePart(zoom, aspect, stage);
  const percent = (value: number): string => `${(100 * value).toFixed(2)}%`;
  const move = (event: PointerEvent<HTMLElement>): void => {
    if (event.buttons === 0) return;
    const box = event.currentTarget.getBoundingClientRect();
    onMove((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  };
  return (
    <div className="sky-minimap" style={{ aspectRatio: aspect }} onPointerDown={move} onPointerMove={move}>
      {shown === undefined ? null : <img src={shown} alt="" draggable={false} />}
      <span
        style={{
          left: percent(zoom.x - part.width / 2),
          top: percent(zoom.y - part.height / 2),
          width: percent(part.width),
          height: percent(part.height),
        }}
      />
    </div>
  );
}

export interface StripProps {
  readonly viewer: Viewer;
  readonly cameraIds: readonly string[];
  readonly onOpen: (cameraId: string, step: boolean) => void;
}

/** Small pictures of the other cameras. */
export const Strip = memo(function Strip({ viewer, cameraIds, onOpen }: StripProps) {
  const words = useWords();
  return (
    <nav className="sky-strip" aria-label={words.view.others} data-hides>
      {cameraIds.map((cameraId) => (
        <StripPicture key={cameraId} viewer={viewer} cameraId={cameraId} onOpen={onOpen} />
      ))}
    </nav>
  );
});

function StripPicture({
  viewer,
  cameraId,
  onOpen,
}: Omit<StripProps, "cameraIds"> & { readonly cameraId: string }) {
  const place = useRef<HTMLSpanElement>(null);
  const name = useStore(
    viewer.snapshot,
    ({ cameras }) => cameras.find((camera) => camera.cameraId === cameraId)?.name ?? cameraId,
  );
  usePicture(viewer, cameraId, place, "strip");
  useShownSize(viewer, cameraId, place, false);
  return (
    <button type="button" onClick={() => onOpen(cameraId, true)}>
      <span ref={place} className="sky-strip__place" />
      <span className="sky-strip__name">{name}</span>
    </button>
  );
}
