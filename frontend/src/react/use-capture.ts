import { useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import { openBrowserCamera } from "../core/capture/camera.js";
import { CaptureSession } from "../core/capture/session.js";
import { sanitize, type CaptureSettings } from "../core/capture/settings.js";
import type { CaptureSnapshot } from "../core/capture/snapshot.js";
import { keepAwake } from "../core/capture/wake-lock.js";

export interface UseCaptureOptions {
  /** The server's address; left out, the server that served the page. */
  readonly serverUrl?: string | undefined;
  readonly token?: string | undefined;
  /** What to start with; changes go through `configure`. */
  readonly settings: CaptureSettings;
  readonly autoStart?: boolean | undefined;
}

export interface Capture {
  readonly snapshot: CaptureSnapshot;
  readonly start: () => void;
  readonly stop: () => void;
  /** Goes back on the air after being replaced or refused. */
  readonly resume: () => void;
  readonly configure: (change: Partial<CaptureSettings>) => void;
}

/** A camera session as long as the component is mounted. */
export function useCapture({ serverUrl, token, settings, autoStart = false }: UseCaptureOptions): Capture {
  const initial = useRef(settings);
  const session = useMemo(
    () =>
      new CaptureSession({
        server: serverUrl,
        token,
        // eslint-disable-next-line react-hooks/refs -- written once, read when the address changes: not a render's business
        settings: initial.current,
        openCamera: openBrowserCamera,
        keepAwake,
      }),
    [serverUrl, token],
  );

  useEffect(() => {
    if (autoStart) void session.start();
    return () => {
      initial.current = session.snapshot.getSnapshot().settings;
      session.stop();
    };
  }, [session, autoStart]);

  const snapshot = useSyncExternalStore(
    session.snapshot.subscribe,
    session.snapshot.getSnapshot,
    session.snapshot.getSnapshot,
  );
  return useMemo(
    () => ({
      snapshot,
      start: () => void session.start(),
      stop: () => session.stop(),
      resume: () => session.resume(),
      configure: (change) =>
        void session.configure(sanitize(change, session.snapshot.getSnapshot().settings)),
    }),
    [session, snapshot],
  );
}
