import { useEffect, useRef, useState, type ReactNode } from "react";
import { cameraUnavailable } from "../core/capture/camera.js";
import type { CaptureConnection, CaptureSnapshot } from "../core/capture/snapshot.js";
import { DEFAULTS, generateCameraId, sanitize, type CaptureSettings } from "../core/capture/settings.js";
import { explain, type Failure } from "../core/failures.js";
import { describeDemand, describeLimit, describeRefusal, describeUplink } from "./capture-text.js";
import { CaptureSettingsForm } from "./capture-settings-form.js";
import { Figure } from "./figure.js";
import { formatCount, formatFps, formatRate, formatTrip } from "./format.js";
import { IconButton } from "./icon-button.js";
import { Icon, ICONS } from "./icons.js";
import { useCapture, type Capture } from "./use-capture.js";

export interface SkySentryClientProps {
  /** The id of the camera; if left out, a random one. */
  readonly clientId?: string;
  /** A label that people see. */
  readonly name?: string;
  /** The server's address, for example `https://host/prefix/`; if left out, the server that served the page. */
  readonly serverUrl?: string;
  readonly autoStartCamera?: boolean;
  /** Frames per second, 1-60. */
  readonly frameRate?: number;
  /** JPEG quality, 0.1-1. */
  readonly quality?: number;
  /** The picture's longer side in pixels. */
  readonly width?: number;
  readonly facing?: CaptureSettings["facing"];
  readonly deviceId?: string;
  /** Send no more than viewers need; true by default. */
  readonly demand?: boolean;
  /** Lower quality, size and rate if the uplink is too slow; true by default. */
  readonly adapt?: boolean;
  readonly token?: string;
  readonly onSettingsChange?: (settings: CaptureSettings) => void;
  readonly onStateChange?: (snapshot: CaptureSnapshot) => void;
  /** More content below the settings. */
  readonly children?: ReactNode;
}

/** A camera: preview, start and stop, settings, figures, and error messages. */
export function SkySentryClient(props: SkySentryClientProps) {
  const { serverUrl, token, autoStartCamera = false, onSettingsChange, onStateChange, children } = props;
  const [initial] = useState(() => initialSettings(props));
  const capture = useCapture({ serverUrl, token, settings: initial, autoStart: autoStartCamera });
  const { snapshot } = capture;
  useFollowProps(props, capture);

  useEffect(() => onSettingsChange?.(snapshot.settings), [onSettingsChange, snapshot.settings]);
  useEffect(() => onStateChange?.(snapshot), [onStateChange, snapshot]);

  return (
    <section className="sky-client" aria-label={`Camera ${snapshot.settings.cameraId}`}>
      <div className="sky-client__stage">
        <Preview snapshot={snapshot} />
        <div className="sky-client__controls">
          {snapshot.camera === "off" ? (
            <IconButton
              className="sky-button--primary"
              icon="play"
              label="Start"
              labelShown
              onClick={capture.start}
            />
          ) : (
            <IconButton icon="stop" label="Stop" labelShown onClick={capture.stop} />
          )}
          <ConnectionStatus snapshot={snapshot} />
          <Sending snapshot={snapshot} />
        </div>
        <Trouble
          failure={snapshot.failure ?? (snapshot.camera === "off" ? cameraUnavailable() : null)}
          waits={snapshot.camera === "waiting"}
          capture={capture}
        />
        <dl className="sky-figures" aria-label="Statistics">
          <Figure label="Sent per second" value={formatFps(snapshot.stats.fps)} name="fps" />
          <Figure label="Frames sent" value={formatCount(snapshot.stats.sent)} name="sent" />
          <Figure label="Dropped" value={formatCount(snapshot.stats.dropped)} name="dropped" />
          <Figure label="Data" value={formatRate(snapshot.stats.bytesPerSecond)} name="rate" />
          <Figure label="Round trip" value={formatTrip(snapshot.stats.roundTrip)} name="trip" />
          <Figure
            label="Picture"
            value={snapshot.stats.width > 0 ? `${snapshot.stats.width}×${snapshot.stats.height}` : "–"}
            name="size"
          />
        </dl>
      </div>
      <div className="sky-client__panel">
        <CaptureSettingsForm
          settings={snapshot.settings}
          cameraLabel={snapshot.cameraLabel}
          onChange={capture.configure}
        />
        {children}
      </div>
    </section>
  );
}

function Preview({ snapshot }: { snapshot: CaptureSnapshot }) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current) video.current.srcObject = snapshot.stream;
  }, [snapshot.stream]);
  return (
    <div className="sky-preview">
      <video
        ref={video}
        className="sky-preview__video"
        autoPlay
        muted
        playsInline
        aria-label="Preview of the camera"
      />
      {snapshot.stream ? (
        <p className="sky-preview__caption">{snapshot.cameraLabel}</p>
      ) : (
        <p className="sky-preview__empty">
          <Icon path={ICONS.camera} />
          {CAMERA_TEXT[snapshot.camera]}
        </p>
      )}
    </div>
  );
}

const CAMERA_TEXT: Record<CaptureSnapshot["camera"], string> = {
  off: "The camera is off",
  starting: "Asking the browser for the camera",
  on: "",
  waiting: "Waiting for the camera",
};

const CONNECTION_TEXT: Record<CaptureConnection, string> = {
  off: "Off",
  connecting: "Connecting",
  "on-air": "On the air",
  waiting: "Reconnecting",
  ended: "Not sending",
};

function ConnectionStatus({ snapshot: { camera, connection } }: { snapshot: CaptureSnapshot }) {
  // Without pictures nothing is on the air, whatever the connection does.
  const waits = camera === "waiting";
  return (
    <span
      className="sky-link"
      data-link={waits ? "waiting" : connection}
      data-camera-state={camera}
      role="status"
    >
      {waits
        ? CAMERA_TEXT.waiting
        : camera === "starting" && connection === "off"
          ? "Starting"
          : CONNECTION_TEXT[connection]}
    </span>
  );
}

/** Explains why the camera sends less than its settings allow. */
function Sending({ snapshot }: { snapshot: CaptureSnapshot }) {
  const onAir = snapshot.connection === "on-air" && snapshot.camera === "on";
  const demand = onAir ? describeDemand(snapshot) : null;
  const reasons = onAir
    ? [describeUplink(snapshot), describeLimit(snapshot), describeRefusal(snapshot)].filter(
        (reason) => reason !== null,
      )
    : [];
  return (
    <p role="status" className="sky-sending">
      {demand}
      {demand && reasons.length > 0 ? " " : null}
      {reasons.length > 0 ? <strong>{reasons.join(" ")}</strong> : null}
    </p>
  );
}

function Trouble(props: { failure: Failure | null; waits: boolean; capture: Capture }) {
  const { failure, waits, capture } = props;
  const explanation = failure && explain(failure);
  return (
    <div role="alert" className="sky-notice-slot">
      {explanation ? (
        <div className="sky-notice sky-notice--bad" data-failure={failure.kind}>
          <p className="sky-notice__title">{explanation.title}</p>
          <p>{explanation.advice}</p>
          {waits ? (
            <button type="button" className="sky-button" onClick={capture.retryCamera}>
              Try now
            </button>
          ) : null}
          {failure.kind === "replaced" ? (
            <button type="button" className="sky-button" onClick={capture.resume}>
              Take it back
            </button>
          ) : null}
          {failure.kind === "refused" ? (
            <button type="button" className="sky-button" onClick={capture.resume}>
              Try again
            </button>
          ) : null}
        </div>
      ) : null}
    </div>
  );
}

function initialSettings(props: SkySentryClientProps): CaptureSettings {
  return sanitize(settingsOf(props), { ...DEFAULTS, cameraId: generateCameraId() });
}

function settingsOf(props: SkySentryClientProps) {
  const { clientId: cameraId, name, frameRate, quality, width, facing, deviceId, demand, adapt } = props;
  return { cameraId, name, fps: frameRate, quality, width, facing, deviceId, demand, adapt };
}

/** Applies changed props to a running camera. Settings that the person changed stay until a prop changes. */
function useFollowProps(props: SkySentryClientProps, { configure }: Capture): void {
  const configureRef = useRef(configure);
  const first = useRef(true);
  const settings = JSON.stringify(settingsOf(props));
  useEffect(() => {
    configureRef.current = configure;
  });
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    configureRef.current(JSON.parse(settings) as Partial<CaptureSettings>);
  }, [settings]);
}
