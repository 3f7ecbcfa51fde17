import { memo, useRef } from "react";
import { now } from "../core/clock.js";
import type { CameraSnapshot } from "../core/viewer/camera.js";
import type { WallChoices } from "../core/viewer/wall-choices.js";
import type { WallPlayback } from "../core/viewer/wall-playback.js";
import { Icon, ICONS } from "./icons.js";
import { savePicture } from "./save-picture.js";
import { StatusNote } from "./status-text.js";
import { TileTools } from "./tile-tools.js";
import { usePicture, useShownSize } from "./use-picture.js";
import { useStore } from "./use-store.js";
import { useTileDrag } from "./use-tile-drag.js";
import type { Viewer } from "./use-viewer.js";
import { useWords } from "./words.js";

export interface CameraTileProps {
  readonly viewer: Viewer;
  readonly choices: WallChoices;
  readonly cameraId: string;
  /** Pixels. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** A camera fills the page, so this tile cannot be seen. */
  readonly hidden: boolean;
  /** The camera has just appeared. */
  readonly fresh: boolean;
  readonly onOpen: (cameraId: string, fullScreen: boolean) => void;
  /** The tile was dropped onto the tile of another camera. */
  readonly onDrop: (cameraId: string, onto: string) => void;
  readonly onShare: ((cameraId: string, name: string) => void) | undefined;
  /** The playback of all cameras in step, if the page has it. */
  readonly playback?: WallPlayback | null | undefined;
}

/** A picture that is this far from the moment of the wall is the last one before a gap, or the first one after it. */
const FAR_MS = 15_000;

/** One camera: its picture with name and state. Renders again only when the state of this camera changes. */
export const CameraTile = memo(function CameraTile({ cameraId, ...props }: CameraTileProps) {
  const camera = useStore(props.viewer.snapshot, ({ cameras }) =>
    cameras.find((one) => one.cameraId === cameraId),
  );
  return camera ? <Tile camera={camera} {...props} /> : null;
});

interface TileProps extends Omit<CameraTileProps, "cameraId"> {
  readonly camera: CameraSnapshot;
}

function Tile(props: TileProps) {
  const { camera, viewer, choices, hidden, fresh, onOpen, onDrop, onShare, playback, ...place } = props;
  const words = useWords();
  const { cameraId, name, status } = camera;
  const picture = useRef<HTMLDivElement>(null);
  const lost = useStore(viewer.snapshot, ({ lostAt }) => lostAt !== null);
  const figures = useStore(choices.settings, (settings) => settings.figures);
  const cropped = useStore(choices.settings, () => choices.has("cropped", cameraId));
  usePicture(viewer, cameraId, picture, "tile");
  useShownSize(viewer, cameraId, picture, hidden);
  const { offset, pressed, handlers } = useTileDrag(cameraId, (onto) => onDrop(cameraId, onto));

  const seen = camera.width > 0;
  const replay = camera.playback?.live === false ? camera.playback : null;
  const isFar =
    replay !== null &&
    typeof playback?.moment.getSnapshot()?.at === "number" &&
    Math.abs(playback.position() - replay.at) > FAR_MS;
  const away = replay === null && (status === "offline" || status === "stopped");
  return (
    <article
      className="sky-tile"
      data-status={status}
      data-camera={cameraId}
      data-cropped={cropped}
      data-fresh={fresh}
      data-playback={replay !== null}
      data-dragged={offset !== null}
      data-pressed={pressed}
      aria-label={`${name}, ${replay ? words.view.replay : words.status[status].toLowerCase()}`}
      inert={hidden}
      style={{ ...place, ...(offset && { transform: `translate(${offset.x}px, ${offset.y}px)` }) }}
    >
      <div ref={picture} className="sky-tile__place" />
      {seen || away ? null : (
        <p className="sky-tile__empty">
          <Icon path={ICONS.camera} />
          {camera.known ? words.camera.waitingForPicture : words.camera.notKnown}
        </p>
      )}
      <button type="button" className="sky-tile__open" {...handlers} onClick={() => onOpen(cameraId, false)}>
        <span className="sky-visually-hidden">{words.camera.showFull(name)}</span>
      </button>
      <footer className="sky-tile__foot">
        <span className="sky-dot" data-status={status} />
        <h2 className="sky-tile__name" title={name === cameraId ? cameraId : `${name} (${cameraId})`}>
          <bdi>{name}</bdi>
        </h2>
        {away ? null : (
          <span className="sky-tile__note">
            {isFar ? `${words.history.nothing} · ` : ""}
            {replay ? words.format.clockOf(replay.at, now()) : <StatusNote camera={camera} lost={lost} />}
          </span>
        )}
        {figures && !away ? <TileFigures camera={camera} /> : null}
      </footer>
      {away ? (
        <div className="sky-tile__away">
          <p>
            <StatusNote camera={camera} lost={lost} />
          </p>
          <div className="sky-tile__choices">
            {seen ? (
              <button type="button" className="sky-button" onClick={() => onOpen(cameraId, false)}>
                {words.tile.playBack}
              </button>
            ) : null}
            <button
              type="button"
              className="sky-button"
              onClick={() => choices.mark("removed", cameraId, true)}
            >
              {words.tile.remove}
            </button>
          </div>
        </div>
      ) : null}
      <TileTools
        camera={camera}
        choices={choices}
        onSave={() => void savePicture(viewer, cameraId)}
        onFullScreen={() => onOpen(cameraId, true)}
        onShare={onShare && (() => onShare(cameraId, name))}
      />
    </article>
  );
}

/** One line of figures. */
function TileFigures({ camera }: { camera: CameraSnapshot }) {
  const { format } = useWords();
  const flows = camera.status === "live" || camera.status === "stalled";
  const figures = {
    fps: flows ? format.fps(camera.fps) : "–",
    latency: flows ? format.age(camera.latency?.total ?? camera.delay) : "–",
    size: camera.width > 0 ? `${camera.width}×${camera.height}` : "–",
    rate: flows ? format.rate(camera.bytesPerSecond) : "–",
  };
  return (
    <span className="sky-tile__figures">
      {Object.entries(figures).map(([name, value]) => (
        <span key={name} data-figure={name}>
          {value}
        </span>
      ))}
    </span>
  );
}
