/** The bar below the picture of the camera view: the timeline and the controls of the playback. */

import { useCallback } from "react";
import type { CameraSnapshot } from "../core/viewer/camera.js";
import type { PlaybackController } from "../core/viewer/playback-controller.js";
import type { PlaybackState } from "../core/viewer/playback.js";
import { SKIP_SECONDS } from "./camera-view.js";
import { ClipButtons, type ClipRange } from "./clip-range.js";
import { formatFor, formatSpeed } from "./format.js";
import { IconButton } from "./icon-button.js";
import { Timeline } from "./timeline.js";
import { useStore } from "./use-store.js";
import type { ViewerControls } from "./use-viewer.js";

/** Faster and slower go through these; backwards they have a minus sign. */
const SPEEDS = [0.25, 0.5, 1, 2, 4, 8];
/** A shorter past than this is worth a word, because ten seconds back would be a promise that the server cannot keep. */
const SHORT_MS = 10_000;

export interface PlaybackBarProps {
  readonly camera: CameraSnapshot;
  readonly playback: PlaybackState;
  readonly controller: PlaybackController;
  readonly controls: ViewerControls;
  readonly clip: ClipRange | null;
  readonly onClip: (clip: ClipRange | null) => void;
  readonly onStartClip: () => void;
}

export function PlaybackBar(props: PlaybackBarProps) {
  const { camera, playback, controller, controls, clip, onClip, onStartClip } = props;
  const { cameraId, name } = camera;
  const chosen = useStore(controller.speed);
  const { live } = playback;
  const isLive = live && camera.status === "live";
  // What the server plays is the truth; while it stands still, the speed is what Play will use.
  const speed = live || playback.speed === 0 ? chosen : playback.speed;
  const pictureAt = useCallback((at: number) => controls.frameUrl(cameraId, at), [controls, cameraId]);
  const faster = (by: number): number | undefined => {
    const index = SPEEDS.indexOf(Math.abs(speed));
    const next = SPEEDS[(index < 0 ? 2 : index) + by];
    return next === undefined ? undefined : Math.sign(speed) * next;
  };
  const span = playback.newestAt - playback.oldestAt;

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
        name={name}
        playback={playback}
        controller={controller}
        isLive={isLive}
        marks={camera.marks}
        clip={clip}
        onClip={onClip}
        pictureAt={pictureAt}
      />
      <div className="sky-view__controls">
        <IconButton
          className="sky-less"
          icon="toStart"
          label="Oldest picture"
          onClick={() => controller.playFrom(playback.oldestAt)}
        />
        <IconButton
          className="sky-less"
          icon="stepBack"
          label="One frame back"
          onClick={() => controller.step(-1)}
        />
        <button
          type="button"
          className="sky-round"
          aria-label={`Back ${SKIP_SECONDS} seconds`}
          onClick={() => controller.skip(-SKIP_SECONDS)}
        >
          −{SKIP_SECONDS}
        </button>
        {live || playback.speed !== 0 ? (
          <IconButton className="sky-play" icon="pause" label="Pause" onClick={() => controller.pause()} />
        ) : (
          <IconButton className="sky-play" icon="play" label="Play" onClick={() => controller.play()} />
        )}
        <button
          type="button"
          className="sky-round"
          aria-label={`Forward ${SKIP_SECONDS} seconds`}
          disabled={live}
          onClick={() => controller.skip(SKIP_SECONDS)}
        >
          +{SKIP_SECONDS}
        </button>
        <IconButton
          className="sky-less"
          icon="stepForward"
          label="One frame forward"
          disabled={live}
          onClick={() => controller.step(1)}
        />
        <span className="sky-speed sky-less" role="group" aria-label="Speed">
          {speedButton("minus", "Slower", -1)}
          <output data-figure="speed">{formatSpeed(speed)}</output>
          {speedButton("plus", "Faster", 1)}
        </span>
        <IconButton
          className="sky-chip sky-less"
          icon="reverse"
          label="Reverse"
          labelShown
          aria-pressed={!live && speed < 0}
          onClick={() => controller.playAt(!live && speed < 0 ? 1 : -1)}
        />
        {span < SHORT_MS ? (
          <span className="sky-view__short">The server keeps only {formatFor(span)} of this camera</span>
        ) : null}
        <span className="sky-view__space" />
        <ClipButtons
          clip={clip}
          onStart={onStartClip}
          onClear={() => onClip(null)}
          urlOf={({ from, to }, format) => controls.clipUrl(cameraId, from, to, format)}
        />
        <button
          type="button"
          className="sky-live"
          data-live={isLive}
          disabled={live}
          onClick={() => controller.goLive()}
        >
          {isLive ? "Live" : live ? "Newest" : "Go live"}
        </button>
      </div>
    </footer>
  );
}
