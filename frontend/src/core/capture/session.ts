/**
 * The session of a camera: opens the camera, registers it with the server, sends its frames, and keeps the state that a
 * page shows.
 */

import { captureSocketUrl, serverBase } from "../address.js";
import { cameraFailure, type Failure } from "../failures.js";
import type { SocketOptions } from "../socket.js";
import { Store, type Readable } from "../store.js";
import { limitToDemand, sameSettings, type Demand } from "./demand.js";
import type { EncodedFrame, EncoderSettings } from "./encode-loop.js";
import { CaptureLink } from "./link.js";
import { Outgoing } from "./outgoing.js";
import type { CaptureSettings } from "./settings.js";
import { NO_STATS, type CaptureSnapshot } from "./snapshot.js";

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
  stop(): void;
}

export interface CameraHandlers {
  onFrame(frame: EncodedFrame): void;
  onSkipped(): void;
  onFailure(failure: Failure): void;
}

export type OpenCamera = (settings: CaptureSettings, handlers: CameraHandlers) => Promise<Camera>;

export interface CaptureOptions {
  readonly server?: string | undefined;
  readonly token?: string | undefined;
  readonly settings: CaptureSettings;
  readonly openCamera: OpenCamera;
  /** The address that `server` is relative to; if left out, the address of the page. */
  readonly page?: string;
  /** Keeps the screen on. Returns the function that lets the screen turn off again. */
  readonly keepAwake?: () => () => void;
  readonly openSocket?: SocketOptions["open"];
}

/** Whether the camera must be opened again for these settings: another device, or a width that only the device can raise. */
function needsReopening(opened: CaptureSettings, wanted: CaptureSettings): boolean {
  return (
    wanted.deviceId !== opened.deviceId || wanted.facing !== opened.facing || wanted.width > opened.width
  );
}

const REFRESH_MS = 500;

export class CaptureSession {
  private readonly store: Store<CaptureSnapshot>;
  readonly snapshot: Readable<CaptureSnapshot>;

  private camera: Camera | null = null;
  private link: CaptureLink | null = null;
  private readonly outgoing: Outgoing;
  private refreshTimer: ReturnType<typeof setInterval> | undefined;
  private releaseWakeLock: (() => void) | undefined;
  /** Changes with every start and stop, so that a camera that opens too late is closed again. */
  private generation = 0;
  /** The settings that the camera was last given. */
  private configured: EncoderSettings | undefined;

  constructor(private readonly options: CaptureOptions) {
    const { settings } = options;
    this.outgoing = new Outgoing(limitToDemand(settings, null), {
      onHold: (held) => this.camera?.hold(held),
      onAdapted: () => this.updateTarget(),
    });
    this.store = new Store<CaptureSnapshot>({
      camera: "off",
      connection: "off",
      failure: null,
      settings,
      stream: null,
      cameraLabel: "",
      method: "",
      demand: null,
      sending: limitToDemand(settings, null),
      narrow: false,
      stats: NO_STATS,
    });
    this.snapshot = this.store;
  }

  /** Opens the camera and starts sending. If the camera is started already, this does the same as `resume`. */
  async start(): Promise<void> {
    const before = this.store.getSnapshot();
    if (before.camera !== "off") {
      this.resume();
      return;
    }
    const generation = ++this.generation;
    this.update({ camera: "starting", failure: null, stats: NO_STATS });
    if (!(await this.openCamera(generation))) return;
    this.releaseWakeLock = this.options.keepAwake?.();
    this.refreshTimer = setInterval(() => this.refresh(), REFRESH_MS);
    this.connect();
  }

  /** Closes the connection and the camera. */
  stop(): void {
    this.generation++;
    this.disconnect();
    this.closeCamera();
    this.update({ camera: "off", connection: "off", failure: null, stream: null, demand: null });
    this.updateTarget();
  }

  /** Connects again after another page took the id over, or after a refusal. The camera has stayed on. */
  resume(): void {
    const { camera, connection } = this.store.getSnapshot();
    if (camera === "on" && connection === "ended") this.connect();
  }

  /** Applies new settings with as little interruption as possible. */
  async configure(settings: CaptureSettings): Promise<void> {
    const before = this.store.getSnapshot().settings;
    this.update({ settings });
    this.updateTarget();
    if (this.camera && needsReopening(before, settings)) await this.reopenCamera();
    else if (settings.fps !== before.fps) this.camera?.setRate(settings.fps);
    if (settings.cameraId === before.cameraId && settings.name === before.name) return;
    // A connection has one id and one name, so a new id or name needs a new connection.
    if (this.link?.running) this.link.reconnect();
    else this.resume();
  }

  // ── camera ────────────────────────────────────────────────────────────────────────────────────

  private async openCamera(generation: number): Promise<boolean> {
    try {
      const { settings } = this.store.getSnapshot();
      const camera = await this.options.openCamera(settings, {
        onFrame: (frame) => this.outgoing.frame(frame),
        onSkipped: () => this.outgoing.skipped(),
        onFailure: (failure) => this.cameraFailed(failure),
      });
      if (generation !== this.generation) {
        camera.stop();
        return false;
      }
      // The settings may have changed while the camera was being opened.
      if (needsReopening(settings, this.store.getSnapshot().settings)) {
        camera.stop();
        return await this.openCamera(generation);
      }
      this.camera = camera;
      this.configured = limitToDemand(settings, null);
      camera.hold(this.outgoing.held);
      this.update({ camera: "on", stream: camera.stream, cameraLabel: camera.label, method: camera.method });
      this.updateTarget();
      return true;
    } catch (error) {
      if (generation === this.generation) this.cameraFailed(isFailure(error) ? error : cameraFailure(error));
      return false;
    }
  }

  private async reopenCamera(): Promise<void> {
    const generation = ++this.generation;
    this.camera?.stop();
    this.camera = null;
    this.update({ camera: "starting", stream: null });
    await this.openCamera(generation);
  }

  private cameraFailed(failure: Failure): void {
    this.stop();
    this.update({ failure });
  }

  private closeCamera(): void {
    this.camera?.stop();
    this.camera = null;
    this.releaseWakeLock?.();
    this.releaseWakeLock = undefined;
    clearInterval(this.refreshTimer);
  }

  /** Sets what the camera encodes: the settings, limited by demand and by the uplink. */
  private updateTarget(): void {
    const { settings, demand } = this.store.getSnapshot();
    this.outgoing.want(limitToDemand(settings, settings.demand ? demand : null), settings.adapt);
    const { sending, narrow } = this.outgoing;
    if (this.camera && !(this.configured && sameSettings(sending, this.configured))) {
      this.configured = sending;
      this.camera.configure(sending);
    }
    this.update({ sending, narrow });
  }

  private refresh(): void {
    this.outgoing.judge();
    this.update({ stats: { ...this.outgoing.stats(), roundTrip: this.link?.roundTrip ?? null } });
  }

  // ── connection ────────────────────────────────────────────────────────────────────────────────

  private connect(): void {
    this.disconnect();
    this.outgoing.resetStats();
    const { server, page, token, openSocket } = this.options;
    let url: string;
    try {
      url = captureSocketUrl(serverBase(server, page ?? globalThis.location.href));
    } catch (error) {
      this.cameraFailed({
        kind: "bad-address",
        detail: error instanceof Error ? error.message : String(error),
      });
      return;
    }
    const link = new CaptureLink(
      { url, token, openSocket, identity: () => this.store.getSnapshot().settings },
      {
        onChange: (change) => {
          this.update(change);
          this.outgoing.judge();
        },
        onRegistered: () => {
          this.outgoing.use(link);
          this.setDemand(null);
        },
        onDemand: (demand) => this.setDemand(demand),
        onAnswer: (sentAt) => this.outgoing.answered(sentAt),
      },
    );
    this.link = link;
    this.update({ failure: null });
    link.start();
  }

  private disconnect(): void {
    this.link?.stop();
    this.link = null;
    this.outgoing.use(null);
  }

  private setDemand(demand: Demand | null): void {
    this.update({ demand });
    this.updateTarget();
  }

  private update(change: Partial<CaptureSnapshot>): void {
    this.store.set({ ...this.store.getSnapshot(), ...change });
  }
}

function isFailure(value: unknown): value is Failure {
  return typeof value === "object" && value !== null && !(value instanceof Error) && "kind" in value;
}
