import { useEffect, useRef, useState, type CSSProperties } from "react";
import { zoomSteps } from "../core/capture/camera-controls.js";
import type { CaptureSettings } from "../core/capture/settings.js";
import type { CaptureSnapshot } from "../core/capture/snapshot.js";
import type { Failure } from "../core/failures.js";
import type { CaptureAction, CaptureState } from "./capture-state.js";
import { describeReason, describeSending, describeViewers } from "./capture-text.js";
import { isHandheld } from "./handheld.js";
import { IconButton } from "./icon-button.js";
import { Icon, ICONS } from "./icons.js";
import { useCameras } from "./use-cameras.js";
import type { Capture } from "./use-capture.js";
import { useBattery, type Battery } from "./use-battery.js";
import { useWords } from "./words.js";

/** What the panel beside the stage shows on a phone, where it is a sheet that covers a part of the picture. */
export type Sheet = "settings" | "share";

export interface CaptureStageProps {
  readonly snapshot: CaptureSnapshot;
  readonly state: CaptureState;
  /** Whether a sheet lies over the stage. */
  readonly covered: boolean;
  readonly onAct: (action: CaptureAction) => void;
  readonly onControl: Capture["control"];
  readonly onChange: (change: Partial<CaptureSettings>) => void;
  readonly onSheet: (sheet: Sheet | null) => void;
}

/** The battery is called low below this share. */
const LOW_BATTERY = 0.15;
/** The buttons that start or end something are the large one; other buttons stand with their reason. */
const MAIN: ReadonlySet<CaptureAction> = new Set(["preview", "start", "stop"] as const);
/** The states whose title says enough. */
const CALM: ReadonlySet<CaptureState["kind"]> = new Set([
  "live",
  "unwatched",
  "previewing",
  "connecting",
] as const);

/** The picture and everything that a thumb needs. */
export function CaptureStage(props: CaptureStageProps) {
  const { snapshot, state, covered, onAct, onControl, onChange, onSheet } = props;
  const { settings, abilities, controls, live, stream } = snapshot;
  const words = useWords();
  const [dark, setDark] = useState(false);
  const [aspect, setAspect] = useState(16 / 9);
  const battery = useBattery();
  const cameras = useCameras(snapshot.cameraLabel);
  const isOpen = snapshot.camera !== "off";
  const steps = zoomSteps(abilities);
  const zoom = controls.zoom ?? (steps.find(({ text }) => text === "1×") ?? steps[0])?.value;
  const viewers = live ? describeViewers(snapshot, words) : null;
  return (
    <div className="sky-capture" inert={covered} style={{ "--sky-aspect": aspect } as CSSProperties}>
      <Preview snapshot={snapshot} onAspect={setAspect} />
      <div className="sky-capture__top">
        <Pill snapshot={snapshot} state={state} />
        <span className="sky-capture__name">{settings.name || settings.cameraId}</span>
        {viewers === null ? null : (
          <span className="sky-chip" role="status">
            <Icon path={ICONS.eye} />
            <span aria-hidden="true">{words.format.count(snapshot.demand?.viewers ?? 0)}</span>
            <span className="sky-visually-hidden">{viewers}</span>
          </span>
        )}
        <IconButton
          className="sky-chip sky-chip--share"
          icon="link"
          label={words.stage.share}
          labelShown
          onClick={() => onSheet("share")}
        />
      </div>
      <Card snapshot={snapshot} state={state} onAct={onAct} />
      <div className="sky-thumb">
        {steps.length > 0 ? (
          <div className="sky-thumb__zoom" role="group" aria-label={words.stage.zoom}>
            {steps.map(({ value, text }) => (
              <button
                key={value}
                type="button"
                className="sky-zoom"
                aria-pressed={value === zoom}
                onClick={() => onControl({ zoom: value })}
              >
                {text}
              </button>
            ))}
          </div>
        ) : null}
        <div className="sky-thumb__row">
          <div className="sky-thumb__side">
            <IconButton
              className="sky-thumb__button sky-thumb__settings"
              icon="settings"
              label={words.stage.settings}
              onClick={() => onSheet("settings")}
            />
            {abilities.torch ? (
              <IconButton
                className="sky-thumb__button"
                icon="torch"
                label={words.stage.torch}
                aria-pressed={controls.torch}
                onClick={() => onControl({ torch: !controls.torch })}
              />
            ) : null}
          </div>
          <MainButton isOpen={isOpen} state={state} onAct={onAct} />
          <div className="sky-thumb__side">
            {isOpen && isHandheld() && cameras.length !== 1 ? (
              <IconButton
                className="sky-thumb__button"
                icon="flip"
                label={words.stage.otherSide}
                onClick={() =>
                  onChange({ deviceId: "", facing: settings.facing === "user" ? "environment" : "user" })
                }
              />
            ) : null}
            {live && stream ? (
              <IconButton
                className="sky-thumb__button"
                icon="moon"
                label={words.stage.dark}
                title={words.stage.darkHint}
                onClick={() => setDark(true)}
              />
            ) : null}
          </div>
        </div>
        <StatusLine snapshot={snapshot} battery={battery} />
      </div>
      {dark && live ? (
        <DarkScreen text={state.title} viewers={viewers} onClose={() => setDark(false)} />
      ) : null}
    </div>
  );
}

function Preview(props: { snapshot: CaptureSnapshot; onAspect: (aspect: number) => void }) {
  const { snapshot, onAspect } = props;
  const words = useWords();
  const { stream, cameraLabel, camera } = snapshot;
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current) video.current.srcObject = stream;
  }, [stream]);
  const [track] = (stream?.getVideoTracks() ?? []) as [Partial<MediaStreamTrack>?];
  // People expect a mirror of themselves. Viewers see the picture as it is.
  const isMirrored = track?.getSettings?.().facingMode === "user";
  return (
    <div className="sky-preview">
      <video
        ref={video}
        className="sky-preview__video"
        data-mirrored={isMirrored}
        autoPlay
        muted
        playsInline
        aria-label={words.stage.preview(cameraLabel)}
        onResize={({ currentTarget: { videoWidth, videoHeight } }) => {
          if (videoWidth > 0) onAspect(videoWidth / videoHeight);
        }}
      />
      {camera === "on" ? null : (
        <p className="sky-preview__empty">
          <Icon path={ICONS.camera} />
        </p>
      )}
    </div>
  );
}

/** The state in one to three words, always at the same place. */
function Pill({ snapshot, state }: { snapshot: CaptureSnapshot; state: CaptureState }) {
  const words = useWords();
  const waits = snapshot.camera === "waiting";
  return (
    <span
      className="sky-link"
      data-link={waits ? "waiting" : snapshot.connection}
      data-camera-state={snapshot.camera}
      data-state={state.kind}
      role="status"
    >
      {words.pill[state.kind]}
    </span>
  );
}

const BAD: ReadonlySet<CaptureState["kind"]> = new Set([
  "taken-over",
  "refused",
  "insecure",
  "unsupported",
  "bad-id",
  "failed",
] as const);

/** The failures that are known before the camera is turned on. */
const WITHOUT_FAILURE: Partial<Record<CaptureState["kind"], Failure["kind"]>> = {
  insecure: "insecure-context",
  unsupported: "unsupported",
  "bad-id": "bad-id",
};

/** Says what is the matter, why, and offers what helps. */
function Card({ snapshot, state, onAct }: Pick<CaptureStageProps, "snapshot" | "state" | "onAct">) {
  return (
    // Screen readers read it at once when something is wrong.
    <div className="sky-card-slot" role="alert">
      {CALM.has(state.kind) ? null : (
        <div
          className={BAD.has(state.kind) ? "sky-card sky-card--bad" : "sky-card"}
          data-failure={snapshot.failure?.kind ?? WITHOUT_FAILURE[state.kind]}
        >
          {/* The seconds are not read out one by one. */}
          <p className="sky-card__title" aria-live={state.kind === "reconnecting" ? "off" : undefined}>
            {state.title}
          </p>
          {state.reason === "" ? null : <p>{state.reason}</p>}
          {MAIN.has(state.action) ? null : (
            <button
              type="button"
              className="sky-button sky-button--primary"
              onClick={() => onAct(state.action)}
            >
              {state.button}
            </button>
          )}
        </div>
      )}
    </div>
  );
}

/** Starts or stops. Left out while neither is possible. */
function MainButton(props: { isOpen: boolean; state: CaptureState; onAct: CaptureStageProps["onAct"] }) {
  const { isOpen, state, onAct } = props;
  const words = useWords();
  if (state.action === "preview" || state.action === "start") {
    const { action, button } = state;
    return (
      <IconButton
        className="sky-thumb__main sky-button--primary"
        icon={action === "start" ? "live" : "camera"}
        label={button}
        labelShown
        onClick={() => onAct(action)}
      />
    );
  }
  if (!isOpen) return null;
  return (
    <IconButton
      className="sky-thumb__main sky-thumb__stop"
      icon="stop"
      label={state.kind === "asking" ? state.button : words.state.stop}
      labelShown
      onClick={() => onAct("stop")}
    />
  );
}

/** What is sent, what limits it, and how long the device lasts. */
function StatusLine({ snapshot, battery }: { snapshot: CaptureSnapshot; battery: Battery | null }) {
  const words = useWords();
  const onAir = snapshot.connection === "on-air" && snapshot.camera === "on";
  const reason = onAir ? describeReason(snapshot, words) : null;
  const preview = snapshot.camera === "on" && !snapshot.live ? words.state.previewReason : null;
  const isLow = battery !== null && !battery.charging && battery.level < LOW_BATTERY;
  const percent = battery === null ? null : words.format.percent(battery.level);
  const lasting = [
    percent === null || battery?.charging === true ? null : words.stage.battery(percent),
    snapshot.awake ? words.stage.awake : null,
  ].filter((text) => text !== null);
  return (
    <div className="sky-thumb__status">
      <p className="sky-sending">
        <span>{preview ?? (onAir ? describeSending(snapshot, words) : null)}</span>
        <span role="status" data-trouble={reason?.isTrouble}>
          {reason?.text}
        </span>
      </p>
      {lasting.length > 0 && !isLow ? <p className="sky-lasting">{lasting.join(" · ")}</p> : null}
      <p role="status" className="sky-battery">
        {isLow && percent !== null ? words.stage.batteryLow(percent) : ""}
      </p>
    </div>
  );
}

/** Black, to spare the battery and the screen, while the camera keeps sending. */
function DarkScreen(props: { text: string; viewers: string | null; onClose: () => void }) {
  const { text, viewers, onClose } = props;
  const words = useWords();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog ref={dialog} className="sky-dark" aria-label={words.stage.dark} onClose={onClose}>
      <button type="button" className="sky-dark__button" onClick={onClose}>
        <span>{viewers === null || text !== words.state.live ? text : `${text}, ${viewers}`}</span>
        <span>{words.stage.touch}</span>
      </button>
    </dialog>
  );
}
