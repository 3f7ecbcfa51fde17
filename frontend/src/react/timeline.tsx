import { useEffect, useRef, useState, type MouseEvent } from "react";
import { chooseClipFormat } from "../core/viewer/clip.js";
import type { PlaybackController } from "../core/viewer/playback-controller.js";
import type { PlaybackState } from "../core/viewer/playback.js";
import { formatBack, formatSpeed } from "./format.js";
import { IconButton, IconLink } from "./icon-button.js";
import { useStore } from "./use-store.js";
import type { ViewerControls } from "./use-viewer.js";

const SPEEDS = [-1, 0.25, 0.5, 1, 2, 4];
export const SKIP_BACK_SECONDS = 5;
/** A position this close to the end counts as live. */
const LIVE_MS = 50;
/** A position that the person set is shown for this long, also if the server still reports another one. */
const HELD_MS = 700;

export interface TimelineProps {
  readonly cameraId: string;
  readonly name: string;
  readonly playback: PlaybackState;
  readonly controller: PlaybackController;
  readonly controls: ViewerControls;
}

/** Controls the playback of one camera, and downloads clips. */
export function Timeline({ cameraId, name, playback, controller, controls }: TimelineProps) {
  const { live, oldestAt, newestAt, at } = playback;
  const speed = useStore(controller.speed);
  const [marks, setMarks] = useState<{ from?: number; to?: number }>({});
  const [held, hold] = useHeld();
  const span = Math.max(1, newestAt - oldestAt);
  const offset = held ?? Math.max(-span, at - newestAt);

  const scrub = (milliseconds: number): void => {
    hold(milliseconds);
    if (milliseconds >= -LIVE_MS) controller.goLive();
    else controller.seekTo(newestAt + milliseconds);
  };
  const choose = (chosen: number): void => {
    controller.speed.set(chosen);
    // Live frames cannot be played faster.
    if (!live || chosen < 1) controller.play();
  };
  const clamp = (moment: number): number => Math.min(newestAt, Math.max(oldestAt, moment));
  const [from, to] = [clamp(marks.from ?? oldestAt), clamp(marks.to ?? newestAt)].sort((a, b) => a - b) as [
    number,
    number,
  ];
  const percent = (moment: number): string => `${((moment - oldestAt) / span) * 100}%`;

  return (
    <section className="sky-timeline" aria-label={`Timeline of ${name}`}>
      <div className="sky-timeline__track">
        <span aria-hidden="true">{formatBack(span)}</span>
        <div className="sky-timeline__range">
          <span
            className="sky-timeline__clip"
            data-marked={marks.from !== undefined || marks.to !== undefined}
            style={{ left: percent(from), right: `calc(100% - ${percent(to)})` }}
          />
          <input
            type="range"
            min={-span}
            max={0}
            step={10}
            value={offset}
            aria-label="Position"
            aria-valuetext={live && held === null ? "live" : `${formatBack(-offset)} from now`}
            onChange={(event) => scrub(event.target.valueAsNumber)}
          />
        </div>
        <button
          type="button"
          className="sky-button sky-timeline__live"
          aria-pressed={live}
          onClick={() => controller.goLive()}
        >
          Live
        </button>
      </div>
      <div className="sky-timeline__controls">
        <IconButton
          icon="skipBack"
          label={`Back ${SKIP_BACK_SECONDS} seconds`}
          onClick={keepKeys(() => controller.skipBack(SKIP_BACK_SECONDS))}
        />
        <IconButton icon="stepBack" label="One frame back" onClick={keepKeys(() => controller.step(-1))} />
        {live || playback.speed !== 0 ? (
          <IconButton icon="pause" label="Pause" onClick={keepKeys(() => controller.pause())} />
        ) : (
          <IconButton icon="play" label="Play" onClick={keepKeys(() => controller.play())} />
        )}
        <IconButton
          icon="stepForward"
          label="One frame forward"
          onClick={keepKeys(() => controller.step(1))}
        />
        <label className="sky-timeline__speed">
          <span className="sky-visually-hidden">Speed</span>
          <select value={speed} onChange={(event) => choose(Number(event.target.value))}>
            {SPEEDS.map((choice) => (
              <option key={choice} value={choice}>
                {formatSpeed(choice)}
              </option>
            ))}
          </select>
        </label>
        <span className="sky-timeline__space" />
        <IconButton
          icon="markStart"
          label="Start the clip here"
          onClick={keepKeys(() => setMarks({ ...marks, from: at }))}
        />
        <IconButton
          icon="markEnd"
          label="End the clip here"
          onClick={keepKeys(() => setMarks({ ...marks, to: at }))}
        />
        <IconLink
          className="sky-timeline__save"
          icon="download"
          label={
            <>
              Clip <span className="sky-timeline__length">{((to - from) / 1000).toFixed(1)} s</span>
            </>
          }
          labelShown
          href={controls.clipUrl(cameraId, from, to, "mkv")}
          download
          onClick={(event) => void saveClip(event, (format) => controls.clipUrl(cameraId, from, to, format))}
        />
      </div>
    </section>
  );
}

/**
 * Wraps the action of a button. After a click the focus returns to the tile, so that all its keys work, also the space
 * bar.
 */
function keepKeys(action: () => void): (event: MouseEvent<HTMLElement>) => void {
  return ({ detail, currentTarget }) => {
    action();
    if (detail > 0) currentTarget.closest("article")?.focus();
  };
}

/** Returns a value that is null again `HELD_MS` after it was set, and its setter. */
function useHeld(): [number | null, (value: number) => void] {
  const [held, setHeld] = useState<number | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const hold = (value: number): void => {
    setHeld(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setHeld(null), HELD_MS);
  };
  return [held, hold];
}

/** Downloads the clip as a video, or as JPEGs if the server cannot encode videos. */
async function saveClip(event: MouseEvent, urlOf: (format: "mkv" | "zip") => string): Promise<void> {
  event.preventDefault();
  const link = document.createElement("a");
  link.href = urlOf(await chooseClipFormat(urlOf("mkv")));
  link.download = "";
  link.click();
}
