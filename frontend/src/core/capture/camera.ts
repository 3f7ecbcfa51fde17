/** Opens the browser's camera and starts an encoder for its frames. */

import { cameraFailure, type Failure } from "../failures.js";
import { applyControls, readAbilities } from "./camera-controls.js";
import { startEncoder, type Encoder } from "./encoder.js";
import type { Camera, CameraHandlers } from "./running-camera.js";
import type { CaptureSettings } from "./settings.js";

export interface CameraChoice {
  readonly deviceId: string;
  readonly label: string;
}

/**
 * Opens the camera that the settings name. If it is missing, opens any other one, unless `anyDevice` is false. Rejects
 * with a Failure.
 */
export async function openBrowserCamera(
  settings: CaptureSettings,
  handlers: CameraHandlers,
  anyDevice = true,
): Promise<Camera> {
  const unavailable = cameraUnavailable();
  // eslint-disable-next-line @typescript-eslint/only-throw-error -- a Failure is a value to show, not a bug
  if (unavailable) throw unavailable;
  let stream: MediaStream;
  try {
    stream = await askForCamera(settings, anyDevice);
  } catch (error) {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- as above
    throw cameraFailure(error);
  }
  const [track] = stream.getVideoTracks();
  // eslint-disable-next-line @typescript-eslint/only-throw-error -- as above
  if (!track) throw { kind: "no-camera" } satisfies Failure;
  track.addEventListener("ended", () => handlers.onFailure({ kind: "camera-lost" }));
  track.addEventListener("mute", () => handlers.onMuted?.(true));
  track.addEventListener("unmute", () => handlers.onMuted?.(false));
  let encoder: Encoder;
  try {
    encoder = startEncoder(stream, track, settings, handlers);
  } catch (error) {
    track.stop();
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- as above
    throw cameraFailure(error);
  }
  const abilities = readAbilities(track);
  return {
    stream,
    label: track.label,
    method: encoder.method,
    abilities,
    control: (controls) => applyControls(track, controls, abilities),
    configure: (next) => encoder.configure(next),
    setRate(fps) {
      // The camera may keep its old rate; the encoder then picks frames.
      track.applyConstraints({ ...track.getConstraints(), frameRate: { ideal: fps } }).catch(() => undefined);
    },
    hold: (held) => encoder.hold(held),
    measure: (everyMs) => encoder.measure(everyMs),
    stop() {
      encoder.stop();
      // stop() ends the track without an "ended" event.
      track.stop();
    },
  };
}

/** Returns why this page cannot use a camera at all, or null. */
export function cameraUnavailable(): Failure | null {
  // On a server there is no camera, and nobody to be told so.
  if (typeof document === "undefined") return null;
  if (!globalThis.isSecureContext) return { kind: "insecure-context", address: globalThis.location.origin };
  // The types promise mediaDevices, but some browsers inside apps have none.
  const devices = (navigator as Partial<Navigator>).mediaDevices as Partial<MediaDevices> | undefined;
  return devices?.getUserMedia ? null : { kind: "unsupported" };
}

/** Lists the cameras. The browser does not tell their names until the person has allowed the use of a camera. */
export async function listCameras(): Promise<CameraChoice[]> {
  if (cameraUnavailable()) return [];
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices
    .filter((device) => device.kind === "videoinput" && device.deviceId !== "")
    .map(({ deviceId, label }, index) => ({ deviceId, label: label || `Camera ${index + 1}` }));
}

/** Calls back whenever a camera is connected or disconnected. Returns the function that ends these calls. */
export function watchCameras(listener: () => void): () => void {
  if (cameraUnavailable()) return () => undefined;
  navigator.mediaDevices.addEventListener("devicechange", listener);
  return () => navigator.mediaDevices.removeEventListener("devicechange", listener);
}

async function askForCamera(settings: CaptureSettings, anyDevice: boolean): Promise<MediaStream> {
  const ask = (video: MediaTrackConstraints): Promise<MediaStream> =>
    navigator.mediaDevices.getUserMedia({ audio: false, video });
  try {
    return await ask(constraints(settings));
  } catch (error) {
    // The camera that was chosen last time is not connected, so use any other camera.
    const missing = cameraFailure(error).kind === "no-camera" && settings.deviceId !== "";
    if (!missing || !anyDevice) throw error;
    return ask(constraints({ ...settings, deviceId: "" }));
  }
}

function constraints(settings: CaptureSettings): MediaTrackConstraints {
  // Most cameras have 4:3 up to VGA and 16:9 above; "ideal" takes the nearest size.
  const height = Math.round(settings.width <= 800 ? (settings.width * 3) / 4 : (settings.width * 9) / 16);
  return {
    width: { ideal: settings.width },
    height: { ideal: height },
    frameRate: { ideal: settings.fps },
    ...(settings.deviceId === ""
      ? { facingMode: { ideal: settings.facing } }
      : { deviceId: { exact: settings.deviceId } }),
  };
}
