import { useEffect, useRef, useState, type ReactNode } from "react";
import type { GetToken } from "../core/access.js";
import { serverBase, watchPageUrl } from "../core/address.js";
import { cameraUnavailable } from "../core/capture/camera.js";
import type { CaptureSnapshot } from "../core/capture/snapshot.js";
import { DEFAULTS, generateCameraId, sanitize, type CaptureSettings } from "../core/capture/settings.js";
import { isCameraId } from "../core/protocol.js";
import { CaptureSettingsForm } from "./capture-settings-form.js";
import { CaptureStage, type Sheet } from "./capture-stage.js";
import { captureState, type CaptureAction } from "./capture-state.js";
import { Figure } from "./figure.js";
import { IconButton } from "./icon-button.js";
import { useCapture, type Capture } from "./use-capture.js";
import { useCountdown } from "./use-countdown.js";
import { WatchLink } from "./watch-link.js";
import { useWords } from "./words.js";

export interface SkySentryClientProps {
  /** The id of the camera; if left out, a random one. An invalid id is shown as an error, and the camera stays off. */
  readonly clientId?: string;
  /** A name that people see. */
  readonly name?: string;
  /** The server's address, for example `https://host/prefix/`; if left out, the server that served the page. */
  readonly serverUrl?: string;
  readonly autoStartCamera?: boolean;
  /** Shows the preview at once if the person has allowed the camera before. */
  readonly autoPreview?: boolean;
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
  /** Do not send a picture again that looks like the last one; false by default. */
  readonly skipStill?: boolean;
  readonly token?: string;
  /** Returns the token, in place of `token`; asked again when the server refuses it, and before it expires. */
  readonly getToken?: GetToken;
  /** Leads to a page where the person can sign in. If given, the person is offered this when the server refuses access. */
  readonly onSignIn?: () => void;
  readonly onSettingsChange?: (settings: CaptureSettings) => void;
  readonly onStateChange?: (snapshot: CaptureSnapshot) => void;
  /** More content below the link for viewers, for example a QR code of this link. */
  readonly watchCode?: (address: string) => ReactNode;
  /** More content below the settings. */
  readonly children?: ReactNode;
}

/** A camera: preview, start and stop, settings, a link for viewers, figures, and error messages. */
export function SkySentryClient(props: SkySentryClientProps) {
  const {
    clientId,
    serverUrl,
    token,
    getToken,
    onSignIn,
    autoStartCamera = false,
    autoPreview = false,
  } = props;
  const { onSettingsChange, onStateChange, watchCode, children } = props;
  const words = useWords();
  const { format } = words;
  const [initial] = useState(() => initialSettings(props));
  const [replaced, setReplaced] = useState<string | null>(null);
  const isBad = clientId !== undefined && !isCameraId(clientId) && clientId !== replaced;
  const capture = useCapture({
    serverUrl,
    token,
    getToken,
    settings: initial,
    autoStart: autoStartCamera && !isBad,
    autoPreview: autoPreview && !isBad,
  });
  const { snapshot } = capture;
  const { settings, camera, live, stats } = snapshot;
  const [sheet, setSheet] = useState<Sheet | null>(null);
  useFollowProps(props, capture);
  useStopIf(isBad, capture);

  useEffect(() => {
    if (!isBad) onSettingsChange?.(settings);
  }, [onSettingsChange, settings, isBad]);
  useEffect(() => {
    // Braces, because React would call a function that the app's function returns.
    onStateChange?.(snapshot);
  }, [onStateChange, snapshot]);

  const state = captureState(snapshot, {
    unavailable: cameraUnavailable(),
    badId: isBad ? clientId : null,
    seconds: useCountdown(snapshot.retryAt),
    browser: navigator,
    words,
    canSignIn: onSignIn !== undefined,
  });
  const base = watchBase(serverUrl);
  const act: Record<CaptureAction, () => void> = {
    preview: capture.preview,
    start: capture.start,
    stop: capture.stop,
    resume: capture.resume,
    "retry-camera": capture.retryCamera,
    "retry-connection": capture.retryConnection,
    "sign-in": () => onSignIn?.(),
    "use-id": () => setReplaced(clientId ?? null),
    watch: () => location.assign(base ?? "./"),
  };
  const change = (next: Partial<CaptureSettings>): void => {
    // The person has chosen another id in place of the invalid one.
    if (isBad && next.cameraId !== undefined) setReplaced(clientId);
    capture.configure(next);
  };

  return (
    <section
      className="sky-client"
      data-state={state.kind}
      aria-label={words.form.section(settings.name || settings.cameraId)}
    >
      <CaptureStage
        snapshot={snapshot}
        state={state}
        covered={sheet !== null}
        onAct={(action) => act[action]()}
        onControl={capture.control}
        onChange={change}
        onSheet={setSheet}
      />
      <Panel sheet={sheet} onClose={() => setSheet(null)}>
        <div className="sky-panel__settings">
          <CaptureSettingsForm
            settings={settings}
            cameraLabel={snapshot.cameraLabel}
            canRename={!live}
            isUnfolded={isBad}
            onChange={change}
          />
        </div>
        {base !== null && !isBad ? (
          <WatchLink address={watchPageUrl(new URL(base), settings.cameraId)} isLive={live}>
            {watchCode}
          </WatchLink>
        ) : null}
        <div className="sky-panel__settings">
          <details className="sky-fold">
            <summary>{words.form.figures}</summary>
            <dl className="sky-figures" aria-label={words.form.statistics}>
              <Figure label={words.form.sentPerSecond} value={format.fps(stats.fps)} name="fps" />
              <Figure label={words.form.sent} value={format.count(stats.sent)} name="sent" />
              <Figure label={words.form.dropped} value={format.count(stats.dropped)} name="dropped" />
              <Figure label={words.form.data} value={format.rate(stats.bytesPerSecond)} name="rate" />
              <Figure label={words.form.roundTrip} value={format.trip(stats.roundTrip)} name="trip" />
              <Figure
                label={words.form.size}
                value={stats.width > 0 ? `${stats.width}×${stats.height}` : "–"}
                name="size"
              />
            </dl>
            <p className="sky-hint">
              {camera === "on"
                ? `${snapshot.cameraLabel}: ${words.form.methods[snapshot.method] ?? snapshot.method}.`
                : words.form.cameraOff}
            </p>
          </details>
          {children}
        </div>
      </Panel>
    </section>
  );
}

/** The column beside the picture. On a phone, a sheet over its lower part. */
function Panel(props: { sheet: Sheet | null; onClose: () => void; children: ReactNode }) {
  const { sheet, onClose, children } = props;
  const words = useWords();
  const panel = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (sheet === null) return;
    const before = document.activeElement;
    panel.current?.focus({ preventScroll: true });
    return () => {
      // Delayed, because the button that opened the sheet cannot have the focus before it is uncovered.
      if (before instanceof HTMLElement) setTimeout(() => before.focus({ preventScroll: true }), 0);
    };
  }, [sheet]);
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- Escape only
    <div
      ref={panel}
      className="sky-panel"
      data-sheet={sheet ?? undefined}
      role="group"
      aria-label={sheet === "share" ? words.watch.title : words.stage.settings}
      tabIndex={-1}
      onKeyDown={(event) => {
        if (event.key === "Escape" && sheet !== null) onClose();
      }}
    >
      {sheet === null ? null : (
        <IconButton className="sky-panel__close" icon="close" label={words.form.close} onClick={onClose} />
      )}
      {children}
    </div>
  );
}

/** Returns the folder with the pages of the server, or null if its address is not valid. */
function watchBase(serverUrl: string | undefined): string | null {
  try {
    return serverBase(serverUrl, location.href).href;
  } catch {
    return null;
  }
}

function initialSettings(props: SkySentryClientProps): CaptureSettings {
  return sanitize(settingsOf(props), { ...DEFAULTS, cameraId: generateCameraId() });
}

function settingsOf(props: SkySentryClientProps) {
  const {
    clientId: cameraId,
    name,
    frameRate,
    quality,
    width,
    facing,
    deviceId,
    demand,
    adapt,
    skipStill,
  } = props;
  return { cameraId, name, fps: frameRate, quality, width, facing, deviceId, demand, adapt, skipStill };
}

/** Stops a running camera whose app has given it an invalid id. */
function useStopIf(isBad: boolean, { stop }: Capture): void {
  const stopRef = useRef(stop);
  useEffect(() => {
    stopRef.current = stop;
  });
  useEffect(() => {
    if (isBad) stopRef.current();
  }, [isBad]);
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
