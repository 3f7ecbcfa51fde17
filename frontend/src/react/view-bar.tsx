/** The bar above the picture of the camera view. */

import type { ReactNode } from "react";
import type { CameraSnapshot } from "../core/viewer/camera.js";
import { canFullScreen, toggleFullScreen, useFullScreen } from "./full-screen.js";
import { IconButton } from "./icon-button.js";
import { useWords } from "./words.js";

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
  const words = useWords();
  const { name, cameraId } = camera;
  const full = useFullScreen();
  const flows = !playing && (camera.status === "live" || camera.status === "stalled");
  const figures = [
    ...(camera.width > 0 ? [`${camera.width}×${camera.height}`] : []),
    ...(playing || flows ? [words.format.fps(camera.fps)] : []),
    ...(flows ? [words.format.age(camera.latency?.total ?? camera.delay)] : []),
  ];
  return (
    <header className="sky-view__top" data-hides>
      <IconButton icon="back" label={words.view.back} onClick={props.onClose} />
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
          aria-label={figures.length > 0 ? words.view.figuresOf(figures.join(", ")) : words.view.figures}
          onClick={props.onFigures}
        >
          {figures.length > 0 ? figures.join(" · ") : words.view.figures}
        </button>
        {camera.hasResults ? (
          <>
            <IconButton
              icon="boxes"
              label={words.view.boxes}
              aria-pressed={boxesShown}
              onClick={props.onBoxes}
            />
            {boxesShown ? (
              <button
                type="button"
                className="sky-chip"
                aria-pressed={exact}
                title={words.view.exactHint}
                onClick={() => props.onExact(!exact)}
              >
                {words.view.exact}
                {camera.boxDelay > 0 ? ` +${words.format.seconds(camera.boxDelay)}` : ""}
              </button>
            ) : null}
          </>
        ) : null}
        <IconButton
          icon="snapshot"
          label={words.camera.saveOf(name)}
          title={words.camera.save}
          disabled={camera.width === 0}
          onClick={props.onSave}
        />
        {props.onPictureInPicture ? (
          <IconButton icon="pip" label={words.view.pictureInPicture} onClick={props.onPictureInPicture} />
        ) : null}
        {props.onShare ? (
          <IconButton icon="share" label={words.camera.shareLink} onClick={props.onShare} />
        ) : null}
        {onStep ? (
          <>
            <IconButton icon="previous" label={words.view.previous} onClick={() => onStep(-1)} />
            <IconButton icon="next" label={words.view.next} onClick={() => onStep(1)} />
          </>
        ) : null}
        {canFullScreen() ? (
          <IconButton
            icon={full ? "shrink" : "expand"}
            label={full ? words.camera.leaveFullScreen : words.camera.fullScreen}
            onClick={toggleFullScreen}
          />
        ) : null}
      </span>
    </header>
  );
}
