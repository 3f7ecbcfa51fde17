import { useEffect, useMemo } from "react";
import type { CameraSnapshot } from "../core/viewer/camera.js";
import { ReplayRemote } from "../core/viewer/remote.js";
import type { ViewerControls } from "./use-viewer.js";

/** What the server keeps changes while a camera is watched. */
const ASK_EVERY_MS = 4000;

/** The remote control of one camera's replay while `active`; null without controls. Live again when that ends. */
export function useReplay(
  { clientId, replay }: CameraSnapshot,
  controls: ViewerControls | null,
  active: boolean,
): ReplayRemote | null {
  const remote = useMemo(
    () => (controls && active ? new ReplayRemote(controls, clientId) : null),
    [controls, clientId, active],
  );
  useEffect(() => remote?.follow(replay), [remote, replay]);

  useEffect(() => {
    if (!remote) return;
    remote.inquire();
    const timer = setInterval(() => remote.inquire(), ASK_EVERY_MS);
    return () => clearInterval(timer);
  }, [remote]);

  useEffect(() => {
    if (!remote || !controls) return;
    return () => {
      remote.stop();
      controls.goLive(clientId);
    };
  }, [remote, controls, clientId]);

  return remote;
}
