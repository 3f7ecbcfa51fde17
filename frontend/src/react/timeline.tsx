import { useEffect, useRef, useState, type MouseEvent } from "react";
import { chooseClipFormat } from "../core/viewer/clip.js";
import type { ReplayRemote } from "../core/viewer/remote.js";
import type { Replay } from "../core/viewer/replay.js";
import { formatBack, formatSpeed } from "./format.js";
import { IconButton, IconLink } from "./icon-button.js";
import type { ViewerControls } from "./use-viewer.js";

const SPEEDS = [-1, 0.25, 0.5, 1, 2, 4];
const REWIND_SECONDS = 5;
/** Nearer to the end than this is the end. */
const LIVE_MS = 50;
/** How long a hand on the timeline counts for more than what the server says. */
const HELD_MS = 700;

export interface TimelineProps {
  readonly clientId: string;
  readonly name: string;
  readonly replay: Replay;
  readonly remote: ReplayRemote;
  readonly controls: ViewerControls;
}

/** Scrubs, steps and plays what the server keeps of one camera, and saves a part of it. */
export function Timeline({ clientId, name, replay, remote, controls }: TimelineProps) {
  const { live, oldestAt, newestAt, at } = replay;
  const [speed, setSpeed] = useState(1);
  const [marks, setMarks] = useState<{ from?: number; to?: number }>({});
  const [held, hold] = useHeld();
  const span = Math.max(1, newestAt - oldestAt);
  const offset = held ?? Math.max(-span, at - newestAt);

  const scrub = (milliseconds: number): void => {
    hold(milliseconds);
    if (milliseconds >= -LIVE_MS) remote.live();
    else remote.scrub(newestAt + milliseconds);
  };
  const choose = (chosen: number): void => {
    setSpeed(chosen);
    remote.choose(chosen);
    // What is live cannot go faster.
    if (!live || chosen < 1) remote.play();
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
          onClick={() => remote.live()}
        >
          Live
        </button>
      </div>
      <div className="sky-timeline__controls">
        <IconButton
          icon="rewind"
          label={`Back ${REWIND_SECONDS} seconds`}
          onClick={keepKeys(() => remote.rewind(REWIND_SECONDS))}
        />
        <IconButton icon="stepBack" label="One frame back" onClick={keepKeys(() => remote.step(-1))} />
        {live || replay.speed !== 0 ? (
          <IconButton icon="pause" label="Pause" onClick={keepKeys(() => remote.pause())} />
        ) : (
          <IconButton icon="play" label="Play" onClick={keepKeys(() => remote.play())} />
        )}
        <IconButton icon="stepForward" label="One frame forward" onClick={keepKeys(() => remote.step(1))} />
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
          href={controls.clipUrl(clientId, from, to, "mkv")}
          download
          onClick={(event) => void saveClip(event, (format) => controls.clipUrl(clientId, from, to, format))}
        />
      </div>
    </section>
  );
}

/** Does what a button is for. A pointer then leaves the focus on the picture, whose keys work on, the space bar included. */
function keepKeys(action: () => void): (event: MouseEvent<HTMLElement>) => void {
  return ({ detail, currentTarget }) => {
    action();
    if (detail > 0) currentTarget.closest("article")?.focus();
  };
}

/** A value that counts for a moment after it was set. */
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

/** The link leads to a film; a server that makes none gives the pictures. */
async function saveClip(event: MouseEvent, urlOf: (format: "mkv" | "zip") => string): Promise<void> {
  event.preventDefault();
  const link = document.createElement("a");
  link.href = urlOf(await chooseClipFormat(urlOf("mkv")));
  link.download = "";
  link.click();
}
