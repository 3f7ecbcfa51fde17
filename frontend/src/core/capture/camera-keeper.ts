/**
 * Keeps the camera of a session open: opens it, opens it again when it is lost or gives no pictures, and waits for a
 * camera that is missing.
 */

import { Backoff } from "../backoff.js";
import { now } from "../clock.js";
import { cameraFailure, type Failure } from "../failures.js";
import { NO_ABILITIES, NO_CONTROLS, type CameraControls } from "./camera-controls.js";
import type { CameraSignal } from "./camera-signals.js";
import { limitToDemand, sameSettings } from "./demand.js";
import type { EncodedFrame, EncoderSettings } from "./encode-loop.js";
import type { Camera, OpenCamera } from "./running-camera.js";
import type { CaptureSettings } from "./settings.js";
import type { CaptureSnapshot } from "./snapshot.js";

export interface CameraKeeperOptions {
  readonly openCamera: OpenCamera;
  /** Returns the settings of now. */
  readonly settings: () => CaptureSettings;
  /** Reports when it is worth while to open a camera again. Returns the function that ends these reports. */
  readonly watchCameras?: ((listener: (signal: CameraSignal) => void) => () => void) | undefined;
  readonly random?: (() => number) | undefined;
}

export interface CameraKeeperHandlers {
  onFrame(frame: EncodedFrame): void;
  onSkipped(busy?: boolean): void;
  /** The page is to show this. */
  onChange(change: Partial<CaptureSnapshot>): void;
  /** `trouble` has changed. */
  onTrouble(): void;
  /** A camera is open. */
  onOpened(): void;
  /** The camera is lost, and will be opened again. */
  onLost(): void;
  /** The camera is lost, and nobody would wait for it. Called before `trouble` says why. */
  onGaveUp(): void;
  /** After the camera was given up, the person has allowed it. */
  onAllowed(): void;
}

/** A camera that gives no picture for this long is opened again. Some take several seconds for their first picture. */
const SILENT_MS = 10_000;
/** Longest time that one look adds to the silence: the page itself may have been suspended. */
const LONGEST_STEP_MS = 5000;

/** What cannot become better while the page is open. */
const HOPELESS: ReadonlySet<Failure["kind"]> = new Set([
  "insecure-context",
  "unsupported",
  "bad-address",
] as const);

export class CameraKeeper {
  private camera: Camera | null = null;
  private current: CaptureSnapshot["camera"] = "off";
  private failure: Failure | null = null;
  private controls = NO_CONTROLS;
  /** The settings that the camera was last given. */
  private configured: EncoderSettings | undefined;
  private held = true;
  /** The system has taken the camera away for now. */
  private muted = false;
  /** Whether a camera is being opened. */
  private opening = false;
  /** Whether a camera has been open since `begin`. */
  private worked = false;
  /** Whether nobody is there to press a button. */
  private unattended = false;
  /** Changes with every opening and closing, so that a camera that opens too late is closed again. */
  private generation = 0;
  /** Milliseconds without a picture from the camera. */
  private silence = 0;
  private lookedAt = 0;
  private readonly backoff: Backoff;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private unwatch: (() => void) | undefined;

  constructor(
    private readonly options: CameraKeeperOptions,
    private readonly handlers: CameraKeeperHandlers,
  ) {
    this.backoff = new Backoff(options.random);
  }

  /** `waiting`: the camera is missing or gives no pictures, `trouble` says why. */
  get state(): CaptureSnapshot["camera"] {
    return this.current;
  }

  /** What is wrong with the camera; null if nothing is. */
  get trouble(): Failure | null {
    return this.failure;
  }

  /** Whether the camera is open, or was open and is waited for. */
  get isOpenOrWaiting(): boolean {
    return this.current === "on" || this.current === "waiting";
  }

  /** Prepares for a new camera, which `open` then opens. */
  begin(unattended: boolean): void {
    this.endWaiting();
    this.unattended = unattended;
    this.worked = false;
    this.backoff.noteSuccess();
    this.failure = null;
    this.generation++;
    this.current = "starting";
    this.unwatch = this.options.watchCameras?.((signal) => this.signalled(signal));
  }

  /** Opens the camera. Returns when it is open, waited for, or given up. */
  async open(): Promise<void> {
    const { generation } = this;
    this.opening = true;
    let failure: Failure;
    try {
      const settings = this.options.settings();
      const current = (): boolean => generation === this.generation;
      const camera = await this.options.openCamera(
        settings,
        {
          onFrame: (frame) => {
            if (current()) this.pictureTaken(frame);
          },
          onSkipped: (busy) => {
            if (!current()) return;
            this.silence = 0;
            this.handlers.onSkipped(busy);
          },
          onFailure: (lost) => {
            if (current()) this.fail(lost);
          },
          onMuted: (muted) => {
            if (current()) this.mute(muted);
          },
        },
        // A page that has sent from one camera does not send from another one when the first is unplugged.
        !this.worked,
      );
      if (generation !== this.generation) {
        camera.stop();
        return;
      }
      // The settings may have changed while the camera was being opened.
      if (needsReopening(settings, this.options.settings())) {
        camera.stop();
        await this.open();
        return;
      }
      this.opening = false;
      this.opened(camera, settings);
      return;
    } catch (error) {
      failure = isFailure(error) ? error : cameraFailure(error);
    }
    if (generation !== this.generation) return;
    this.opening = false;
    this.fail(failure);
  }

  /** Closes the camera and opens it again. */
  async reopen(): Promise<void> {
    this.generation++;
    clearTimeout(this.timer);
    this.camera?.stop();
    this.camera = null;
    // While the page waits for the camera, it says so until there is one.
    if (this.current !== "waiting") this.current = "starting";
    this.handlers.onChange({ camera: this.current, stream: null });
    await this.open();
  }

  /** Closes the camera, and waits for none. The caller shows this. */
  close(): void {
    this.generation++;
    this.endWaiting();
    this.camera?.stop();
    this.camera = null;
    this.current = "off";
    this.opening = this.muted = false;
    this.failure = null;
    this.controls = NO_CONTROLS;
  }

  /** Waits for the camera, and tries again with back-off; or gives up if nobody would wait for that. */
  fail(failure: Failure): void {
    if (HOPELESS.has(failure.kind) || !(this.worked || this.unattended)) {
      this.giveUp(failure);
      return;
    }
    this.generation++;
    this.camera?.stop();
    this.camera = null;
    this.muted = false;
    this.current = "waiting";
    this.handlers.onLost();
    this.handlers.onChange({ camera: "waiting", stream: null, abilities: NO_ABILITIES });
    this.setTrouble(failure);
    clearTimeout(this.timer);
    // Asking again without a reason would open the browser's question again and again.
    if (failure.kind === "permission-denied") return;
    this.timer = setTimeout(() => void this.reopen(), this.backoff.delayAfter(0));
  }

  /** Stops encoding while `held`. */
  hold(held: boolean): void {
    this.held = held;
    this.camera?.hold(held || this.muted);
  }

  /** Adds a small grey picture to a frame after this many milliseconds; Infinity for none. */
  measure(everyMs: number): void {
    this.camera?.measure?.(everyMs);
  }

  /** Sets how frames are encoded. */
  configure(sending: EncoderSettings): void {
    if (!this.camera || (this.configured && sameSettings(sending, this.configured))) return;
    this.configured = sending;
    this.camera.configure(sending);
  }

  /** Lets the device follow the settings: opens it again only if it has to be. */
  async follow(before: CaptureSettings, wanted: CaptureSettings): Promise<void> {
    if (isOtherDevice(before, wanted)) this.setControls(NO_CONTROLS);
    if (this.isOpenOrWaiting && needsReopening(before, wanted)) await this.reopen();
    else if (wanted.fps !== before.fps) this.camera?.setRate(wanted.fps);
  }

  /** Sets the torch and the zoom. If the device refuses, they stay as they are. */
  async control(change: Partial<CameraControls>): Promise<void> {
    const { camera } = this;
    const controls = { ...this.controls, ...change };
    try {
      await camera?.control?.(controls);
    } catch {
      return;
    }
    if (camera && camera === this.camera) this.setControls(controls);
  }

  /**
   * Opens the camera again if it has given no picture for too long at `fps` frames a second. To be called twice a
   * second. `expectsPictures`: while nothing can be sent, the encoder does not look at the pictures.
   */
  checkSilence(expectsPictures: boolean, fps: number): void {
    const at = now();
    if (expectsPictures) this.silence += Math.min(at - this.lookedAt, LONGEST_STEP_MS);
    else this.silence = 0;
    this.lookedAt = at;
    if (this.camera && this.silence > Math.max(SILENT_MS, 3000 / fps))
      this.fail({ kind: this.muted ? "camera-muted" : "camera-silent" });
  }

  private opened(camera: Camera, settings: CaptureSettings): void {
    const { controls } = this;
    if (!this.worked) this.lookedAt = now();
    this.camera = camera;
    this.current = "on";
    this.worked = true;
    this.muted = false;
    this.silence = 0;
    this.configured = limitToDemand(settings, null);
    this.setTrouble(null);
    this.hold(this.held);
    const { stream, label: cameraLabel, method, abilities = NO_ABILITIES } = camera;
    this.controls = NO_CONTROLS;
    this.handlers.onChange({ camera: "on", stream, cameraLabel, method, abilities, controls: NO_CONTROLS });
    // A device that is opened again has forgotten them.
    if (controls.torch || controls.zoom !== null) void this.control(controls);
    this.handlers.onOpened();
  }

  private giveUp(failure: Failure): void {
    const watching = this.unwatch;
    this.unwatch = undefined;
    this.handlers.onGaveUp();
    // The person may allow the camera now; then there is no need to press a button again.
    if (failure.kind === "permission-denied") this.unwatch = watching;
    else watching?.();
    this.setTrouble(failure);
  }

  private pictureTaken(frame: EncodedFrame): void {
    this.silence = 0;
    if (this.muted) return;
    this.backoff.noteSuccess();
    this.handlers.onFrame(frame);
  }

  private mute(muted: boolean): void {
    if (!this.camera || muted === this.muted) return;
    this.muted = muted;
    this.silence = 0;
    this.hold(this.held);
    this.current = muted ? "waiting" : "on";
    this.handlers.onChange({ camera: this.current });
    this.setTrouble(muted ? { kind: "camera-muted" } : null);
  }

  /** The browser reports something that may have brought the camera back. */
  private signalled(signal: CameraSignal): void {
    const denied = this.failure?.kind === "permission-denied";
    if (this.current === "off") {
      if (denied && signal === "allowed") this.handlers.onAllowed();
      return;
    }
    if (this.current !== "waiting" || this.opening || (denied && signal === "device")) return;
    void this.reopen();
  }

  private setTrouble(failure: Failure | null): void {
    this.failure = failure;
    this.handlers.onTrouble();
  }

  private setControls(controls: CameraControls): void {
    this.controls = controls;
    this.handlers.onChange({ controls });
  }

  private endWaiting(): void {
    clearTimeout(this.timer);
    this.unwatch?.();
    this.unwatch = undefined;
  }
}

/** Whether the device that `settings` names is another one. */
function isOtherDevice(before: CaptureSettings, wanted: CaptureSettings): boolean {
  return wanted.deviceId !== before.deviceId || wanted.facing !== before.facing;
}

/** Whether the camera must be opened again for these settings: another device, or a width that only the device can raise. */
function needsReopening(opened: CaptureSettings, wanted: CaptureSettings): boolean {
  return isOtherDevice(opened, wanted) || wanted.width > opened.width;
}

function isFailure(value: unknown): value is Failure {
  return typeof value === "object" && value !== null && !(value instanceof Error) && "kind" in value;
}
