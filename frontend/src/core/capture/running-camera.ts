/** What a session needs of a camera: to open it, to set what it encodes, and to get its frames. */

import type { Failure } from "../failures.js";
import type { CameraAbilities, CameraControls } from "./camera-controls.js";
import type { EncodedFrame, EncoderSettings } from "./encode-loop.js";
import type { CaptureSettings } from "./settings.js";

/** A running camera with its encoder. `camera.ts` opens the camera of a browser. */
export interface Camera {
  /** For the preview. */
  readonly stream: MediaStream | null;
  readonly label: string;
  readonly method: string;
  /** Sets how frames are encoded from the next one on. */
  configure(settings: EncoderSettings): void;
  /** Asks the device for another frame rate, which may take a while. */
  setRate(fps: number): void;
  hold(held: boolean): void;
  /** Adds a small grey picture to a frame after this many milliseconds; Infinity for none. */
  measure?(everyMs: number): void;
  /** What the device can do; left out if it has neither a torch nor a zoom. */
  readonly abilities?: CameraAbilities;
  /** Sets the torch and the zoom. Rejects if the device refuses. */
  control?(controls: CameraControls): Promise<void>;
  stop(): void;
}

export interface CameraHandlers {
  onFrame(frame: EncodedFrame): void;
  /** It was time for a frame, but none was encoded: because of `hold`, or because the device is `busy`. */
  onSkipped(busy?: boolean): void;
  onFailure(failure: Failure): void;
  /** The system has taken the camera away for now, or has given it back. */
  onMuted?(muted: boolean): void;
}

/** `anyDevice`: whether another camera may replace a chosen one that is missing. */
export type OpenCamera = (
  settings: CaptureSettings,
  handlers: CameraHandlers,
  anyDevice?: boolean,
) => Promise<Camera>;
