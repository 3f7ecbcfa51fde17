import { useEffect, useMemo, useRef } from "react";
import type { GetToken } from "../core/access.js";
import type { CameraControls } from "../core/capture/camera-controls.js";
import { isCameraAllowed, watchCameraSignals } from "../core/capture/camera-signals.js";
import { openBrowserCamera } from "../core/capture/camera.js";
import { CaptureSession } from "../core/capture/session.js";
import { sanitize, type CaptureSettings } from "../core/capture/settings.js";
import type { CaptureSnapshot } from "../core/capture/snapshot.js";
import { keepAwake } from "../core/capture/wake-lock.js";
import { useGetToken } from "./use-get-token.js";
import { useStore } from "./use-store.js";

export interface UseCaptureOptions {
  /** The server's address; if left out, the server that served the page. */
  readonly serverUrl?: string | undefined;
  readonly token?: string | undefined;
  /** Returns the token, in place of `token`; asked again when the server refuses it, and before it expires. */
  readonly getToken?: GetToken | undefined;
  /** The settings at the start; `configure` changes them later. */
  readonly settings: CaptureSettings;
  /** Starts without a person. Then the page also waits for a camera that is missing at the start. */
  readonly autoStart?: boolean | undefined;
  /** Shows the preview at once if the person has allowed the camera before, so that the browser does not ask. */
  readonly autoPreview?: boolean | undefined;
}

export interface Capture {
  readonly snapshot: CaptureSnapshot;
  /** Opens the camera for the person only. */
  readonly preview: () => void;
  readonly start: () => void;
  readonly stop: () => void;
  /** Connects again after another page took the id over, or after a refusal. */
  readonly resume: () => void;
  /** Tries at once to open the camera that the page waits for. */
  readonly retryCamera: () => void;
  /** Connects at once instead of at `snapshot.retryAt`. */
  readonly retryConnection: () => void;
  /** Sets the torch and the zoom. */
  readonly control: (change: Partial<CameraControls>) => void;
  readonly configure: (change: Partial<CaptureSettings>) => void;
}

/** Runs a camera session while the component is mounted. */
export function useCapture(options: UseCaptureOptions): Capture {
  const { serverUrl, token, settings, autoStart = false, autoPreview = false } = options;
  const getToken = useGetToken(options.getToken);
  const initial = useRef(settings);
  const session = useMemo(
    () =>
      new CaptureSession({
        server: serverUrl,
        token,
        ...(getToken && { getToken }),
        // eslint-disable-next-line react-hooks/refs -- written only at unmount
        settings: initial.current,
        openCamera: openBrowserCamera,
        keepAwake,
        watchCameras: watchCameraSignals,
      }),
    [serverUrl, token, getToken],
  );

  useEffect(() => {
    let mounted = true;
    if (autoStart) void session.start({ unattended: true });
    else if (autoPreview) {
      void isCameraAllowed().then((allowed) => {
        if (allowed && mounted) void session.preview();
      });
    }
    return () => {
      mounted = false;
      initial.current = session.snapshot.getSnapshot().settings;
      session.stop();
    };
  }, [session, autoStart, autoPreview]);

  const snapshot = useStore(session.snapshot);
  return useMemo(
    () => ({
      snapshot,
      preview: () => void session.preview(),
      start: () => void session.start(),
      stop: () => session.stop(),
      resume: () => session.resume(),
      retryCamera: () => session.retryCamera(),
      retryConnection: () => session.retryConnection(),
      control: (change) => void session.control(change),
      configure: (change) =>
        void session.configure(sanitize(change, session.snapshot.getSnapshot().settings)),
    }),
    [session, snapshot],
  );
}
