/** The controls of a wall that is played back: one moment for all cameras. */

import { useEffect, useMemo, useState } from "react";
import { coveredWith } from "../core/viewer/past.js";
import type { ViewerSnapshot } from "../core/viewer/snapshot.js";
import type { WallPlayback } from "../core/viewer/wall-playback.js";
import { clipAround, keptPart, type ClipRange } from "../react/clip-range.js";
import { IconButton } from "../react/icon-button.js";
import { Timeline } from "../react/timeline.js";
import { SKIP_SECONDS } from "../react/playback-bar.js";
import { useHistory } from "../react/use-history.js";
import { useWindowKeys } from "../react/use-modal.js";
import { useRefresh } from "../react/use-refresh.js";
import { useStore } from "../react/use-store.js";
import type { Viewer } from "../react/use-viewer.js";
import { useWords } from "../react/words.js";
import { oldestOf } from "../react/use-wall-playback.js";

const REFRESH_MS = 250;
const SPEEDS = [-4, -1, 0.5, 1, 2, 4, 8, 16, 60];

export interface WallBarProps {
  readonly viewer: Viewer;
  readonly playback: WallPlayback;
  /** The person goes to a moment far away. Called before the wall goes there. */
  readonly onJump?: ((at: number) => void) | undefined;
  readonly onClose: () => void;
}

export function WallBar({ viewer, playback, onJump, onClose }: WallBarProps) {
  const words = useWords();
  const { format } = words;
  const { controls } = viewer;
  const moment = useStore(playback.moment);
  const cameraIds = useStore(playback.cameras);
  const oldest = useStore(viewer.snapshot, oldestOf);
  const inMemoryFrom = useStore(viewer.snapshot, ringOldestOf);
  const cameras = useStore(viewer.snapshot, (snapshot) => snapshot.cameras);
  const [speed, setSpeed] = useState(1);
  const [chosen, setClip] = useState<ClipRange | null>(null);
  useRefresh(REFRESH_MS);

  const now = playback.now();
  const at = playback.position();
  const known = Number.isFinite(oldest);
  const from = known ? Math.min(oldest, now - 1000) : now - 1000;
  const place = {
    live: moment === null,
    at,
    oldestAt: from,
    newestAt: now,
    ...(inMemoryFrom !== undefined && { ringOldestAt: inMemoryFrom }),
  };
  const clip = chosen && keptPart(chosen, place);
  const paused = moment?.speed === 0;
  const recorded = useHistory(controls, cameraIds, inMemoryFrom !== undefined);
  const past = recorded?.past ?? null;
  useEffect(() => {
    const ring = typeof inMemoryFrom === "number" ? { from: inMemoryFrom, to: Number.MAX_VALUE } : null;
    playback.setCovered(past ? coveredWith(past, ring) : [], past?.known ?? null);
  }, [playback, past, inMemoryFrom]);
  const marks = useMemo(() => cameras.flatMap((camera) => camera.marks), [cameras]);
  const jump = (target: number): void => {
    onJump?.(target);
    playback.seekTo(target);
  };

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
      <output className="wall-bar__clock" data-figure="wall-clock">
        {moment ? words.together.moment(format.clockOf(at, now), format.whole(now - at)) : format.clock(now)}
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
      {recorded && controls ? (
        chosen === null ? (
          <IconButton
            icon="scissors"
            label={words.playback.clip}
            labelShown
            onClick={() => setClip(clipAround(place))}
          />
        ) : (
          <span className="sky-clip" role="group" aria-label={words.playback.clip}>
            {clip ? (
              <>
                <span className="sky-clip__length" data-figure="clip">
                  {format.clipLength(clip.to - clip.from)}
                </span>
                <recorded.parts.ExportTools
                  history={recorded.history}
                  controls={controls}
                  past={past}
                  cameraIds={cameraIds}
                  clip={clip}
                />
              </>
            ) : null}
            <IconButton icon="close" label={words.playback.clearClip} onClick={() => setClip(null)} />
          </span>
        )
      ) : null}
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
      {known ? (
        <Timeline
          label={words.together.timeline}
          positionLabel={words.together.position}
          place={place}
          isLive
          marks={marks}
          onSeek={(target) => playback.seekTo(target)}
          onLive={() => playback.goLive()}
          clip={clip}
          onClip={setClip}
          onClipMoved={() => undefined}
          past={past}
          onShown={recorded?.onShown}
          tools={
            recorded
              ? (show) => (
                  <>
                    <recorded.parts.DayPicker
                      history={recorded.history}
                      cameraIds={cameraIds}
                      whole={{ from, to: now }}
                      at={at}
                      onDay={(day, target) => {
                        show(day);
                        jump(target);
                      }}
                    />
                    <recorded.parts.EventButtons
                      history={recorded.history}
                      cameraIds={cameraIds}
                      at={at}
                      onEvent={jump}
                    />
                  </>
                )
              : undefined
          }
        />
      ) : null}
    </section>
  );
}

/** Since when all frames of any camera are in memory; undefined if nothing is recorded. */
function ringOldestOf({ cameras }: ViewerSnapshot): number | null | undefined {
  const found = cameras.flatMap(({ playback }) =>
    playback?.ringOldestAt === undefined ? [] : [playback.ringOldestAt],
  );
  const inMemory = found.filter((at) => at !== null);
  return found.length === 0 ? undefined : inMemory.length === 0 ? null : Math.min(...inMemory);
}
