/** The bar above the picture of the camera view. */

import type { ReactNode } from "react";
import type { CameraSnapshot } from "../core/viewer/camera.js";
import { canFullScreen, toggleFullScreen, useFullScreen } from "./full-screen.js";
import { formatAge, formatFps } from "./format.js";
import { IconButton } from "./icon-button.js";

export interface ViewBarProps {
  readonly camera: CameraSnapshot;
  readonly playing: boolean;
  readonly boxesShown: boolean;
  readonly exact: boolean;
  readonly figuresOpen: boolean;
  readonly onClose: () => void;
  readonly onFigures: () => void;
  readonly onSave: () => void;
  readonly onBoxes: () => void;
  readonly onExact: (exact: boolean) => void;
  readonly onPictureInPicture: (() => void) | undefined;
  readonly onShare: (() => void) | undefined;
  readonly onStep: ((by: number) => void) | undefined;
  /** The pill that says whether the picture is live. */
  readonly children: ReactNode;
}

export function ViewBar(props: ViewBarProps) {
  const { camera, playing, boxesShown, exact, figuresOpen, onStep, children } = props;
  const { name, cameraId } = camera;
  const full = useFullScreen();
  const flows = !playing && (camera.status === "live" || camera.status === "stalled");
  const latency = flows ? formatAge(camera.latency?.total ?? camera.delay) : "–";
  const figures = [
    camera.width > 0 ? `${camera.width}×${camera.height}` : "–",
    formatFps(camera.fps),
    ...(playing ? [] : [latency]),
  ];
  return (
    <header className="sky-view__top" data-hides>
      <IconButton icon="back" label="Back to all cameras" onClick={props.onClose} />
      <h2 className="sky-view__name" title={name === cameraId ? cameraId : `${name} (${cameraId})`}>
        <bdi>{name}</bdi>
      </h2>
      {children}
      <span className="sky-view__space" />
      <span className="sky-view__tools">
        <button
          type="button"
          className="sky-chip"
          aria-expanded={figuresOpen}
          aria-label={`Figures: ${figures.join(", ")}`}
          onClick={props.onFigures}
        >
          {figures.join(" · ")}
        </button>
        {camera.hasResults ? (
          <>
            <IconButton
              icon="boxes"
              label="Boxes on the pictures"
              aria-pressed={boxesShown}
              onClick={props.onBoxes}
            />
            {boxesShown ? (
              <button
                type="button"
                className="sky-chip"
                aria-pressed={exact}
                title="Each picture waits up to half a second for its boxes"
                onClick={() => props.onExact(!exact)}
              >
                Exact{camera.boxDelay > 0 ? ` +${(camera.boxDelay / 1000).toFixed(1)} s` : ""}
              </button>
            ) : null}
          </>
        ) : null}
        <IconButton
          icon="snapshot"
          label={`Save a picture of ${name}`}
          title="Save a picture"
          disabled={camera.width === 0}
          onClick={props.onSave}
        />
        {props.onPictureInPicture ? (
          <IconButton icon="pip" label="Picture in picture" onClick={props.onPictureInPicture} />
        ) : null}
        {props.onShare ? <IconButton icon="share" label="Share a link" onClick={props.onShare} /> : null}
        {onStep ? (
          <>
            <IconButton icon="previous" label="Previous camera" onClick={() => onStep(-1)} />
            <IconButton icon="next" label="Next camera" onClick={() => onStep(1)} />
          </>
        ) : null}
        {canFullScreen() ? (
          <IconButton
            icon={full ? "shrink" : "expand"}
            label={full ? "Leave the full screen" : "Full screen"}
            onClick={toggleFullScreen}
          />
        ) : null}
      </span>
    </header>
  );
}
