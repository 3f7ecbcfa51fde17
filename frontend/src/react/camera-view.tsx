/** One camera that fills the page: its picture, and over it the controls, which hide. */

import { useEffect, useMemo, useRef, useState, type CSSProperties } from "react";
import { createPortal } from "react-dom";
import type { PlaybackState } from "../core/viewer/playback.js";
import { unknownCamera } from "../core/viewer/snapshot.js";
import type { WallChoices } from "../core/viewer/wall-choices.js";
import { DEFAULT_ASPECT } from "../core/viewer/wall-layout.js";
import { contained, transformOf } from "../core/viewer/zoom.js";
import { coveredWith, nextCovered, spanInMemory, type Past } from "../core/viewer/past.js";
import { clipAround, clipFrom, keptPart, withEnd, type ClipRange } from "./clip-range.js";
import { toggleFullScreen } from "./full-screen.js";
import { Icon, ICONS } from "./icons.js";
import { PlaybackBar, SKIP_SECONDS } from "./playback-bar.js";
import { canPictureInPicture, togglePictureInPicture } from "./picture-in-picture.js";
import { savePicture } from "./save-picture.js";
import { shareLink } from "./share-link.js";
import { useBriefMessage } from "./use-brief-message.js";
import { useHistory } from "./use-history.js";
import { useIdle } from "./use-idle.js";
import { useMediaQuery } from "./use-media-query.js";
import { keyOf, useModal, useWindowKeys } from "./use-modal.js";
import { canvasesOf, usePicture, widthsOf } from "./use-picture.js";
import { usePlaybackController } from "./use-playback.js";
import { useStore } from "./use-store.js";
import type { Viewer } from "./use-viewer.js";
import { useZoom } from "./use-zoom.js";
import { ViewBar } from "./view-bar.js";
import { Minimap, Pill, Strip, ViewFigures } from "./view-parts.js";
import { useWords } from "./words.js";

export interface CameraViewProps {
  readonly viewer: Viewer;
  readonly choices: WallChoices;
  readonly cameraId: string;
  /** The cameras of the wall, in their order. */
  readonly others: readonly string[];
  /** The moment at which the playback begins, in milliseconds since the epoch. */
  readonly startAt: number | null;
  /** Another number means that Back or Forward has led to `startAt`. */
  readonly visit: number;
  readonly onPaused: ((at: number | null) => void) | undefined;
  readonly onJump: ((at: number) => void) | undefined;
  readonly onOpen: (cameraId: string | null, step: boolean) => void;
  readonly onStep: (by: number) => void;
  readonly hrefOf: ((cameraId: string) => string) | undefined;
}

const HIDE_AFTER_MS = 3000;
/** A narrower page has no strip of other cameras over the picture. */
const STRIP = "(min-width: 1100px) and (min-height: 500px), (orientation: portrait) and (max-width: 700px)";

export function CameraView(props: CameraViewProps) {
  const { viewer, choices, cameraId, others, startAt, visit, onPaused, onJump, onOpen, onStep, hrefOf } =
    props;
  const { snapshot, controls, painter } = viewer;
  const words = useWords();
  const camera =
    useStore(snapshot, ({ cameras }) => cameras.find((one) => one.cameraId === cameraId)) ??
    unknownCamera(cameraId);
  const lost = useStore(snapshot, ({ lostAt }) => lostAt !== null);
  const connected = useStore(snapshot, ({ link }) => link === "live");
  const boxesShown = useStore(snapshot, (state) => state.boxesShown);
  const view = useRef<HTMLDivElement>(null);
  const stageElement = useRef<HTMLDivElement>(null);
  const place = useRef<HTMLDivElement>(null);
  useModal(view);
  usePicture(viewer, cameraId, place, "view");

  const controller = usePlaybackController(camera, controls, true, connected);
  const { playback } = camera;
  const playing = playback && !playback.live ? playback : null;
  const paused = playing?.speed === 0;
  useStartAt(controller, playback !== null, startAt, visit);
  const cameraIds = useMemo(() => [cameraId], [cameraId]);
  const recorded = useHistory(controls, cameraIds, playback?.ringOldestAt !== undefined);
  const pausedAt = paused ? playing.at : null;
  useEffect(() => {
    onPaused?.(pausedAt);
  }, [onPaused, pausedAt]);

  const [figuresOpen, setFiguresOpen] = useState(false);
  const [said, setSaid] = useBriefMessage();
  const [clip, setClip] = useState<ClipRange | null>(null);
  const kept = clip && playback && keptPart(clip, playback);
  const [idle, toggleIdle] = useIdle(HIDE_AFTER_MS, paused || figuresOpen || said !== "");

  const aspect = camera.height > 0 ? camera.width / camera.height : DEFAULT_ASPECT;
  const { zoom, stage, handlers, zoomBy, moveTo, reset } = useZoom(stageElement, aspect, {
    onTap: toggleIdle,
    onSwipe: (direction) => {
      if (direction === "down") onOpen(null, false);
      else onStep(direction === "left" ? 1 : -1);
    },
  });
  const { width } = contained(aspect, stage);
  useEffect(() => {
    if (!controls || width === 0) return;
    // What is zoomed in on is asked for as large as it is shown.
    widthsOf(controls).set(cameraId, view, width * zoom.scale * devicePixelRatio);
    if (painter)
      canvasesOf(painter)
        .surfaceOf(cameraId)
        ?.setSize({
          width: stage.width * zoom.scale,
          height: stage.height * zoom.scale,
          ratio: devicePixelRatio,
        });
  }, [controls, painter, cameraId, width, zoom.scale, stage]);
  useEffect(() => {
    if (!controls) return;
    return () => widthsOf(controls).set(cameraId, view, null);
  }, [controls, cameraId]);
  const [shownId, setShownId] = useState(cameraId);
  if (shownId !== cameraId) {
    // Another camera is shown whole, and its clip is another one.
    setShownId(cameraId);
    setClip(null);
    reset();
  }

  // A clip is played again and again.
  const over = kept && playing && playing.speed > 0 && playing.at >= kept.to ? kept.from : null;
  useEffect(() => {
    if (over !== null) controller?.loopFrom(over);
  }, [controller, over]);

  const close = (): void => onOpen(null, false);
  const save = (): void => void savePicture(viewer, cameraId);
  const share =
    hrefOf && (() => void shareLink(hrefOf(cameraId), camera.name, words.camera.linkCopied).then(setSaid));
  const togglePause = (): void => (paused ? controller?.play() : controller?.pause());
  const toggleBoxes = (): void => controls?.setBoxesShown(!boxesShown);
  const startClip = (): void => {
    if (!playback) return;
    const range = clipAround(playback);
    setClip(range);
    controller?.loopFrom(range.from);
  };
  const mark = (end: keyof ClipRange): void => {
    if (playback) setClip(clip ? withEnd(clip, end, playback.at) : clipFrom(playback, end));
  };
  const skip = (seconds: number): void => {
    if (!playback) return;
    const target = playback.at + 1000 * seconds;
    const next = seconds > 0 ? afterGap(recorded?.past ?? null, playback, target) : target;
    // Where nothing was recorded, ten seconds forward would be the same picture again.
    if (next === target) controller?.skip(seconds);
    else controller?.playFrom(next);
  };

  useWindowKeys((event) => {
    if (event.altKey) return false;
    const shifted: Record<string, () => void> = { ArrowLeft: () => onStep(-1), ArrowRight: () => onStep(1) };
    const keys: Record<string, (() => void) | undefined> = {
      Escape: figuresOpen ? () => setFiguresOpen(false) : close,
      s: save,
      f: toggleFullScreen,
      b: toggleBoxes,
      i: () => setFiguresOpen(!figuresOpen),
      p: () => void togglePictureInPicture(viewer, cameraId),
      "+": () => zoomBy(1.5),
      "=": () => zoomBy(1.5),
      "-": () => zoomBy(1 / 1.5),
      "0": reset,
      ...(controller && {
        " ": togglePause,
        k: () => controller.pause(),
        j: () => controller.shuttle(-1),
        l: () => controller.shuttle(1),
        ",": () => controller.step(-1),
        ".": () => controller.step(1),
        ArrowLeft: () => skip(-SKIP_SECONDS),
        ArrowRight: () => skip(SKIP_SECONDS),
        Home: () => playback && controller.playFrom(playback.oldestAt),
        End: () => controller.goLive(),
        c: () => (clip ? setClip(null) : startClip()),
        "[": () => mark("from"),
        "]": () => mark("to"),
      }),
    };
    const action = (event.shiftKey ? shifted[event.key] : undefined) ?? keys[keyOf(event)];
    action?.();
    return action !== undefined;
  });

  const strip = useMediaQuery(STRIP);
  const rest = useMemo(() => others.filter((id) => id !== cameraId), [others, cameraId]);
  const seen = camera.width > 0;
  const state = playing ? words.view.replay : words.status[camera.status].toLowerCase();
  return createPortal(
    <div
      ref={view}
      className="sky-view"
      role="dialog"
      aria-modal="true"
      aria-label={`${camera.name}, ${state}`}
      data-view={cameraId}
      data-status={camera.status}
      data-playback={playing !== null}
      data-idle={idle}
      tabIndex={-1}
    >
      <div
        ref={stageElement}
        className="sky-view__stage"
        data-zoomed={zoom.scale > 1}
        style={{ "--aspect": aspect } as CSSProperties}
        {...handlers}
      >
        <div
          ref={place}
          className="sky-view__place"
          style={{ transform: transformOf(zoom, aspect, stage) }}
        />
        {seen ? null : (
          <p className="sky-tile__empty">
            <Icon path={ICONS.camera} />
            {camera.known ? words.camera.waitingForPicture : words.camera.notKnown}
          </p>
        )}
      </div>
      {playing ? <div className="sky-view__frame" /> : null}
      <ViewBar
        camera={camera}
        boxesShown={boxesShown}
        figuresOpen={figuresOpen}
        playing={playing !== null}
        onClose={close}
        onFigures={() => setFiguresOpen(!figuresOpen)}
        onSave={save}
        onBoxes={toggleBoxes}
        onExact={(exact) => {
          choices.set({ exactBoxes: exact });
          controls?.setExactBoxes(exact);
        }}
        exact={useStore(snapshot, (all) => all.exactBoxes)}
        onPictureInPicture={
          canPictureInPicture() ? () => void togglePictureInPicture(viewer, cameraId) : undefined
        }
        onShare={share}
        onStep={others.length > 1 ? onStep : undefined}
      >
        <Pill camera={camera} playing={playing} lost={lost} />
      </ViewBar>
      {figuresOpen ? <ViewFigures camera={camera} playing={playing !== null} /> : null}
      {zoom.scale > 1 ? (
        <Minimap
          zoom={zoom}
          aspect={aspect}
          stage={stage}
          picture={playback ? controls?.frameUrl(cameraId, playback.at) : undefined}
          request={controls?.hasToken ? controls.request : undefined}
          onMove={moveTo}
        />
      ) : null}
      {strip && rest.length > 0 && !idle ? <Strip viewer={viewer} cameraIds={rest} onOpen={onOpen} /> : null}
      {playback && controller && controls ? (
        <PlaybackBar
          camera={camera}
          playback={playback}
          controller={controller}
          controls={controls}
          chosen={clip}
          clip={kept}
          onClip={setClip}
          onStartClip={startClip}
          onSkip={skip}
          recorded={recorded}
          onJump={onJump}
        />
      ) : null}
      <p className="sky-view__said" role="status">
        {said}
      </p>
      {/* The pill changes every second, which nobody wants to hear. */}
      <p className="sky-visually-hidden" role="status">
        {paused ? `${state}, ${words.view.paused}` : state}
      </p>
    </div>,
    document.body,
  );
}

/** Starts the playback at a moment that the address names, once the timeline is known, and when Back leads to one. */
function useStartAt(
  controller: ReturnType<typeof usePlaybackController>,
  known: boolean,
  at: number | null,
  visit: number,
): void {
  const started = useRef<number | null>(null);
  useEffect(() => {
    if (!controller || !known || started.current === visit) return;
    const first = started.current === null;
    started.current = visit;
    if (at !== null) controller.seekTo(at);
    else if (!first) controller.goLive();
  }, [controller, known, at, visit]);
}

/** Returns the moment, or if nothing was recorded then, the next one that was. */
function afterGap(past: Past | null, { ringOldestAt, newestAt }: PlaybackState, at: number): number {
  if (!past) return at;
  return nextCovered(coveredWith(past, spanInMemory(ringOldestAt, newestAt)), past.known, at) ?? at;
}
