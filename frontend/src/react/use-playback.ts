import { useEffect, useMemo } from "react";
import type { CameraSnapshot } from "../core/viewer/camera.js";
import { PlaybackController } from "../core/viewer/playback-controller.js";
import type { ViewerControls } from "./use-viewer.js";

/** The timeline grows while a camera is watched, so the server is asked again this often. */
const REQUEST_STATE_EVERY_MS = 2000;

/**
 * Returns the playback controls of one camera while `active`, or null. When `active` ends, the camera goes back to live
 * frames. `connected` says that the server receives requests.
 */
export function usePlaybackController(
  { cameraId, playback }: CameraSnapshot,
  controls: ViewerControls | null,
  active: boolean,
  connected: boolean,
): PlaybackController | null {
  const controller = useMemo(
    () => (controls && active ? new PlaybackController(controls, cameraId) : null),
    [controls, cameraId, active],
  );
  useEffect(() => controller?.update(playback), [controller, playback]);

  useEffect(() => {
    // A request before there is a connection would be lost, and the person would wait for the next one.
    if (!controller || !connected) return;
    controller.requestState();
    const timer = setInterval(() => controller.requestState(), REQUEST_STATE_EVERY_MS);
    return () => clearInterval(timer);
  }, [controller, connected]);

  useEffect(() => {
    if (!controller || !controls) return;
    return () => {
      controller.stop();
      controls.goLive(cameraId);
    };
  }, [controller, controls, cameraId]);

  return controller;
}
