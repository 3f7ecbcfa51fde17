/** The bar below the picture of the camera view: the timeline and the controls of the playback. */

import { useCallback, useMemo } from "react";
import type { CameraSnapshot } from "../core/viewer/camera.js";
import type { PlaybackController } from "../core/viewer/playback-controller.js";
import type { PlaybackState } from "../core/viewer/playback.js";
import { ClipBar } from "./clip-bar.js";
import type { ClipRange } from "./clip-range.js";
import { IconButton } from "./icon-button.js";
import { Timeline } from "./timeline.js";
import type { HistoryView } from "./use-history.js";
import { useStore } from "./use-store.js";
import type { ViewerControls } from "./use-viewer.js";
import { useWords } from "./words.js";

/** A button or an arrow key skips this much. */
export const SKIP_SECONDS = 10;
/** Faster and slower go through these; backwards they have a minus sign. */
const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16, 60];
/** A shorter past than this is worth a word, because ten seconds back would be a promise that the server cannot keep. */
const SHORT_MS = 10_000;

/** A longer clip is only exported: the browser then writes it to disk as it comes. */
const LONG_MS = 600_000;

export interface PlaybackBarProps {
  readonly camera: CameraSnapshot;
  readonly playback: PlaybackState;
  readonly controller: PlaybackController;
  readonly controls: ViewerControls;
  /** The part that the person has chosen, and what the server still keeps of it. */
  readonly chosen: ClipRange | null;
  readonly clip: ClipRange | null;
  readonly onClip: (clip: ClipRange | null) => void;
  readonly onStartClip: () => void;
  /** Goes forward by seconds, or back if they are negative. */
  readonly onSkip: (seconds: number) => void;
  /** The recordings; null without any. */
  readonly recorded: HistoryView | null;
  /** The person goes to a moment far away, to which Back should lead again. */
  readonly onJump: ((at: number) => void) | undefined;
}

export function PlaybackBar(props: PlaybackBarProps) {
  const { camera, playback, controller, controls, chosen, clip, onClip, onStartClip, recorded } = props;
  const words = useWords();
  const { cameraId, name } = camera;
  const chosenSpeed = useStore(controller.speed);
  const { live } = playback;
  const isLive = live && camera.status === "live";
  // What the server plays is the truth; while it stands still, the speed is what Play will use.
  const speed = live || playback.speed === 0 ? chosenSpeed : playback.speed;
  const pictureAt = useCallback((at: number) => controls.frameUrl(cameraId, at), [controls, cameraId]);
  const faster = (by: number): number | undefined => {
    const index = SPEEDS.indexOf(Math.abs(speed));
    const next = SPEEDS[(index < 0 ? 2 : index) + by];
    return next === undefined ? undefined : Math.sign(speed) * next;
  };
  const span = playback.newestAt - playback.oldestAt;
  const cameraIds = useMemo(() => [cameraId], [cameraId]);
  const jump = (at: number, go: () => void): void => {
    props.onJump?.(at);
    go();
  };

  const speedButton = (icon: "minus" | "plus", label: string, by: number) => {
    const next = faster(by);
    // Live frames cannot be played faster.
    const possible = next !== undefined && !(live && next > 0 && next >= 1);
    return (
      <IconButton
        icon={icon}
        label={label}
        disabled={!possible}
        onClick={() => (next === undefined ? undefined : controller.playAt(next))}
      />
    );
  };
  return (
    <footer className="sky-view__bottom" data-hides>
      <Timeline
        label={words.playback.timeline(name)}
        positionLabel={words.playback.position}
        place={playback}
        isLive={isLive}
        marks={camera.marks}
        onSeek={(at) => controller.seekTo(at)}
        onLive={() => controller.goLive()}
        clip={clip}
        onClip={onClip}
        onClipMoved={() => clip && controller.loopFrom(clip.from)}
        pictureAt={pictureAt}
        request={controls.hasToken ? controls.request : undefined}
        past={recorded?.past}
        onShown={recorded?.onShown}
        tools={
          recorded
            ? (show) => (
                <>
                  <recorded.parts.DayPicker
                    history={recorded.history}
                    cameraIds={cameraIds}
                    whole={{ from: playback.oldestAt, to: playback.newestAt }}
                    at={playback.at}
                    onDay={(day, at) => {
                      show(day);
                      jump(at, () => controller.seekTo(at));
                    }}
                  />
                  <recorded.parts.EventButtons
                    history={recorded.history}
                    cameraIds={cameraIds}
                    at={playback.at}
                    onEvent={(at) => jump(at, () => controller.playFrom(at))}
                  />
                </>
              )
            : undefined
        }
      />
      <div className="sky-view__controls">
        <IconButton
          className="sky-less"
          icon="toStart"
          label={words.playback.oldest}
          onClick={() => controller.playFrom(playback.oldestAt)}
        />
        <IconButton
          className="sky-less"
          icon="stepBack"
          label={words.playback.frameBack}
          onClick={() => controller.step(-1)}
        />
        <button
          type="button"
          className="sky-round"
          aria-label={words.playback.back(SKIP_SECONDS)}
          onClick={() => props.onSkip(-SKIP_SECONDS)}
        >
          −{SKIP_SECONDS}
        </button>
        {live || playback.speed !== 0 ? (
          <IconButton
            className="sky-play"
            icon="pause"
            label={words.playback.pause}
            onClick={() => controller.pause()}
          />
        ) : (
          <IconButton
            className="sky-play"
            icon="play"
            label={words.playback.play}
            onClick={() => controller.play()}
          />
        )}
        <button
          type="button"
          className="sky-round"
          aria-label={words.playback.forward(SKIP_SECONDS)}
          disabled={live}
          onClick={() => props.onSkip(SKIP_SECONDS)}
        >
          +{SKIP_SECONDS}
        </button>
        <IconButton
          className="sky-less"
          icon="stepForward"
          label={words.playback.frameForward}
          disabled={live}
          onClick={() => controller.step(1)}
        />
        <span className="sky-speed sky-less" role="group" aria-label={words.playback.speed}>
          {speedButton("minus", words.playback.slower, -1)}
          <output data-figure="speed">{words.format.speed(speed)}</output>
          {speedButton("plus", words.playback.faster, 1)}
        </span>
        <IconButton
          className="sky-chip sky-less"
          icon="reverse"
          label={words.playback.reverse}
          labelShown
          aria-pressed={!live && speed < 0}
          onClick={() => controller.playAt(!live && speed < 0 ? 1 : -1)}
        />
        {span >= 1000 && span < SHORT_MS ? (
          <span className="sky-view__short">{words.playback.keepsOnly(words.format.whole(span))}</span>
        ) : null}
        <span className="sky-view__space" />
        {recorded && clip ? (
          <recorded.parts.ExportTools
            history={recorded.history}
            controls={controls}
            past={recorded.past}
            cameraIds={cameraIds}
            clip={clip}
          />
        ) : null}
        <ClipBar
          cameraId={cameraId}
          chosen={chosen}
          clip={clip}
          long={recorded !== null && clip !== null && clip.to - clip.from > LONG_MS}
          onStart={onStartClip}
          onClear={() => onClip(null)}
          urlOf={({ from, to }, format) => controls.clipUrl(cameraId, from, to, format)}
          request={controls.request}
        />
        <button
          type="button"
          className="sky-live"
          data-live={isLive}
          disabled={live}
          onClick={() => controller.goLive()}
        >
          {isLive ? words.playback.live : live ? words.playback.newest : words.playback.goLive}
        </button>
      </div>
    </footer>
  );
}
