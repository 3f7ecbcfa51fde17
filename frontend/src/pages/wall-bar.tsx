/** The controls of a wall that is played back: one moment for all cameras. */

import { useState } from "react";
import type { WallPlayback } from "../core/viewer/wall-playback.js";
import { IconButton } from "../react/icon-button.js";
import { useWindowKeys } from "../react/use-modal.js";
import { useRefresh } from "../react/use-refresh.js";
import { useStore } from "../react/use-store.js";
import type { Viewer } from "../react/use-viewer.js";
import { useWords } from "../react/words.js";
import { oldestOf } from "../react/use-wall-playback.js";

const REFRESH_MS = 250;
const SKIP_SECONDS = 10;
const SPEEDS = [-4, -1, 0.5, 1, 2, 4, 8];

export interface WallBarProps {
  readonly viewer: Viewer;
  readonly playback: WallPlayback;
  readonly onClose: () => void;
}

export function WallBar({ viewer, playback, onClose }: WallBarProps) {
  const words = useWords();
  const { format } = words;
  const moment = useStore(playback.moment);
  const oldest = useStore(viewer.snapshot, oldestOf);
  const cameras = useStore(viewer.snapshot, (snapshot) => snapshot.cameras);
  const [speed, setSpeed] = useState(1);
  useRefresh(REFRESH_MS);

  const now = playback.now();
  const at = playback.position();
  const known = Number.isFinite(oldest);
  const from = known ? Math.min(oldest, now - 1000) : now - 1000;
  const percent = (time: number): string =>
    `${Math.min(100, Math.max(0, (100 * (time - from)) / (now - from))).toFixed(3)}%`;
  const paused = moment?.speed === 0;
  useWindowKeys((event) => {
    // The camera that fills the page has its own playback.
    if (event.key !== " " || document.querySelector(".sky-view")) return false;
    if (paused) playback.play(speed);
    else playback.pause();
    return true;
  });
  return (
    <section className="wall-bar" aria-label={words.together.bar} data-playback={moment !== null}>
      <button
        type="button"
        className="sky-round"
        aria-label={words.together.back(SKIP_SECONDS)}
        disabled={!known}
        onClick={() => playback.skip(-SKIP_SECONDS)}
      >
        −{SKIP_SECONDS}
      </button>
      {paused ? (
        <IconButton icon="play" label={words.together.play} onClick={() => playback.play(speed)} />
      ) : (
        <IconButton
          icon="pause"
          label={words.together.pause}
          disabled={!known}
          onClick={() => playback.pause()}
        />
      )}
      <button
        type="button"
        className="sky-round"
        aria-label={words.together.forward(SKIP_SECONDS)}
        disabled={moment === null}
        onClick={() => playback.skip(SKIP_SECONDS)}
      >
        +{SKIP_SECONDS}
      </button>
      <div className="wall-bar__track">
        <span className="sky-timeline__bar">
          {cameras
            .flatMap(({ marks }) => marks)
            .filter(({ to }) => to > from)
            .map((mark, index) => (
              <span
                key={index}
                className="sky-timeline__mark"
                style={{ left: percent(mark.from), right: `calc(100% - ${percent(mark.to)} - 3px)` }}
              />
            ))}
          <span className="sky-timeline__head" style={{ left: percent(at) }} />
        </span>
        <input
          type="range"
          min={from - now}
          max={0}
          step={100}
          value={Math.max(from, at) - now}
          disabled={!known}
          aria-label={words.together.position}
          aria-valuetext={
            moment
              ? words.playback.positionAt(format.clock(at), format.back(now - at))
              : words.playback.positionLive
          }
          onChange={(event) => playback.seekTo(now + event.target.valueAsNumber)}
        />
      </div>
      <output className="wall-bar__clock" data-figure="wall-clock">
        {moment ? words.together.moment(format.clock(at), format.whole(now - at)) : format.clock(now)}
      </output>
      <select
        aria-label={words.together.speed}
        value={speed}
        onChange={(event) => {
          const chosen = Number(event.target.value);
          setSpeed(chosen);
          if (moment && !paused) playback.play(chosen);
        }}
      >
        {SPEEDS.map((one) => (
          <option key={one} value={one}>
            {format.speed(one)}
          </option>
        ))}
      </select>
      <button
        type="button"
        className="sky-live"
        data-live={moment === null}
        disabled={moment === null}
        onClick={() => playback.goLive()}
      >
        {moment === null ? words.playback.live : words.playback.goLive}
      </button>
      <IconButton icon="close" label={words.together.close} title={words.page.close} onClick={onClose} />
    </section>
  );
}
