/**
 * The session of a camera: opens the camera, registers it with the server, sends its frames, and keeps the state that a
 * page shows.
 */

import { Access, type GetToken } from "../access.js";
import { captureSocketUrl, framesUrl, serverBase } from "../address.js";
import { Backoff } from "../backoff.js";
import { now } from "../clock.js";
import { cameraFailure, type Failure } from "../failures.js";
import { whyRefused } from "../reachability.js";
import type { SocketOptions } from "../socket.js";
import { Store, type Readable } from "../store.js";
import { NO_ABILITIES, NO_CONTROLS, type CameraAbilities, type CameraControls } from "./camera-controls.js";
import type { CameraSignal } from "./camera-signals.js";
import { limitToDemand, sameSettings, type Demand } from "./demand.js";
import type { EncodedFrame, EncoderSettings } from "./encode-loop.js";
import { DEFAULT_LIMIT } from "./frame-size.js";
import { CaptureLink } from "./link.js";
import { Outgoing } from "./outgoing.js";
import { StillFilter } from "./still-filter.js";
import type { CaptureSettings } from "./settings.js";
import { CAMERA_OFF, NO_STATS, type CaptureSnapshot, type CaptureSummary } from "./snapshot.js";

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

export interface CaptureOptions {
  readonly server?: string | undefined;
  /** Sent with the registration. */
  readonly token?: string | undefined;
  /**
   * Returns the token, in place of `token`. Called for the first connection, once when the server refuses the token, and
   * before the token expires.
   */
  readonly getToken?: GetToken | undefined;
  readonly settings: CaptureSettings;
  readonly openCamera: OpenCamera;
  /** The address that `server` is relative to; if left out, the address of the page. */
  readonly page?: string;
  /**
   * Keeps the screen on. Returns the function that lets the screen turn off again. Calls `onChange` with whether the
   * screen stays on.
   */
  readonly keepAwake?: (onChange: (isAwake: boolean) => void) => () => void;
  readonly openSocket?: SocketOptions["open"];
  /** Reports when it is worth while to open a camera again. Returns the function that ends these reports. */
  readonly watchCameras?: (listener: (signal: CameraSignal) => void) => () => void;
  readonly fetch?: typeof fetch;
  readonly random?: () => number;
}

/** Whether the device that `settings` names is another one. */
function isOtherDevice(before: CaptureSettings, wanted: CaptureSettings): boolean {
  return wanted.deviceId !== before.deviceId || wanted.facing !== before.facing;
}

/** Whether the camera must be opened again for these settings: another device, or a width that only the device can raise. */
function needsReopening(opened: CaptureSettings, wanted: CaptureSettings): boolean {
  return isOtherDevice(opened, wanted) || wanted.width > opened.width;
}

const REFRESH_MS = 500;
/** A camera that gives no picture for this long is opened again. Some take several seconds for their first picture. */
const SILENT_MS = 10_000;
/** Longest time that one refresh adds to the silence: the page itself may have been suspended. */
const LONGEST_STEP_MS = 5000;
/** A refused frame is shown for this long. */
const REFUSAL_SHOWN_MS = 5000;

/** What cannot become better while the page is open. */
const HOPELESS: ReadonlySet<Failure["kind"]> = new Set([
  "insecure-context",
  "unsupported",
  "bad-address",
] as const);

export class CaptureSession {
  private readonly store: Store<CaptureSnapshot>;
  readonly snapshot: Readable<CaptureSnapshot>;

  private camera: Camera | null = null;
  private link: CaptureLink | null = null;
  private readonly outgoing: Outgoing;
  private serverCapabilities: readonly string[] = [];
  private refreshTimer: ReturnType<typeof setInterval> | undefined;
  private releaseWakeLock: (() => void) | undefined;
  /** Changes with every start and stop, so that a camera that opens too late is closed again. */
  private generation = 0;
  /** The settings that the camera was last given. */
  private configured: EncoderSettings | undefined;

  /** Whether a camera has been open since `start`, or whether nobody is there to press a button. */
  private unattended = false;
  /** Whether a camera has been open since `start`. */
  private cameraWorked = false;
  private cameraTrouble: Failure | null = null;
  private linkTrouble: Failure | null = null;
  private readonly cameraBackoff: Backoff;
  private readonly access: Access;
  private cameraTimer: ReturnType<typeof setTimeout> | undefined;
  private unwatchCameras: (() => void) | undefined;
  /** Whether a camera is being opened. */
  private opening = false;
  private muted = false;
  /** Whether the camera was meant to send when it was refused. */
  private wasLive = false;
  /** When the server first accepted the camera since `goLive`, in milliseconds; null while it has not. */
  private liveSince: number | null = null;
  /** Milliseconds without a picture from the camera. */
  private silence = 0;
  private refreshedAt = 0;
  private refusedAt = -Infinity;
  /** The most bytes of a frame, as learned from a server that did not state it. */
  private learnedLimit = Infinity;

  constructor(private readonly options: CaptureOptions) {
    const { settings } = options;
    this.outgoing = new Outgoing(limitToDemand(settings, null), {
      onHold: () => this.holdCamera(),
      onAdapted: () => this.updateTarget(),
    });
    this.cameraBackoff = new Backoff(options.random);
    const { token, getToken = token === undefined ? undefined : () => token } = options;
    this.access = new Access(getToken);
    this.store = new Store<CaptureSnapshot>({
      ...CAMERA_OFF,
      settings,
      cameraLabel: "",
      method: "",
      sending: limitToDemand(settings, null),
      narrow: false,
      tooLarge: false,
      summary: null,
      stats: NO_STATS,
    });
    this.snapshot = this.store;
  }

  /** Opens the camera for the person only: nothing is sent until `start`. Does nothing if the camera is open. */
  async preview(): Promise<void> {
    if (this.store.getSnapshot().camera !== "off") return;
    this.unattended = false;
    await this.begin(false);
  }

  /**
   * Opens the camera if it is off, and starts sending. If the camera sends already, this does the same as `resume`.
   * `unattended` says that nobody is there to press a button: then the page also waits for a camera that has not
   * worked yet.
   */
  async start({ unattended = false } = {}): Promise<void> {
    const { camera, live } = this.store.getSnapshot();
    if (camera === "off") {
      this.unattended = unattended;
      await this.begin(true);
    } else if (live) this.resume();
    else this.goLive();
  }

  private async begin(live: boolean): Promise<void> {
    this.endWaiting();
    this.cameraWorked = false;
    this.cameraBackoff.noteSuccess();
    this.cameraTrouble = this.linkTrouble = null;
    const generation = ++this.generation;
    this.update({ camera: "starting", failure: null, stats: NO_STATS });
    this.unwatchCameras = this.options.watchCameras?.((signal) => this.signalled(signal));
    if (live) this.goLive();
    await this.openCamera(generation);
  }

  /** From now on, pictures are sent, as soon as there are any. */
  private goLive(): void {
    this.liveSince = null;
    this.outgoing.resetStats();
    this.update({ live: true, summary: null, stats: NO_STATS });
    if (this.camera || this.store.getSnapshot().camera === "waiting") this.connect();
  }

  /** Closes the connection and the camera, and tells the server that this is on purpose. */
  stop(): void {
    this.shutDown(true);
    this.updateTarget();
  }

  /** Connects again after another page took the id over, or after a refusal. The camera has stayed on. */
  resume(): void {
    const { camera, connection } = this.store.getSnapshot();
    if (camera !== "off" && camera !== "starting" && connection === "ended") this.connect();
  }

  /** Tries at once to open the camera that is waited for. */
  retryCamera(): void {
    const { camera } = this.store.getSnapshot();
    if (camera === "waiting") void this.reopenCamera();
    else if (camera === "off") void this.start();
  }

  /** Connects at once instead of at `retryAt`. */
  retryConnection(): void {
    if (this.store.getSnapshot().connection === "waiting") this.link?.reconnect();
  }

  /** Sets the torch and the zoom of the camera. If the device refuses, they stay as they are. */
  async control(change: Partial<CameraControls>): Promise<void> {
    const { camera } = this;
    const { controls: before } = this.store.getSnapshot();
    const controls = { ...before, ...change };
    try {
      await camera?.control?.(controls);
    } catch {
      return;
    }
    if (camera && camera === this.camera) this.update({ controls });
  }

  /** Applies new settings with as little interruption as possible. */
  async configure(settings: CaptureSettings): Promise<void> {
    const before = this.store.getSnapshot().settings;
    this.update({ settings });
    if (settings.skipStill !== before.skipStill) this.filterStill();
    if (isOtherDevice(before, settings)) this.update({ controls: NO_CONTROLS });
    this.updateTarget();
    const isOpen = this.camera !== null || this.store.getSnapshot().camera === "waiting";
    if (isOpen && needsReopening(before, settings)) await this.reopenCamera();
    else if (settings.fps !== before.fps) this.camera?.setRate(settings.fps);
    if (settings.cameraId === before.cameraId && settings.name === before.name) return;
    // A connection has one id and one name, so a new id or name needs a new connection.
    // The camera with the old id is not lost, but stopped.
    if (this.link?.running) this.link.reconnect(settings.cameraId !== before.cameraId);
    else this.resume();
  }

  // ── camera ────────────────────────────────────────────────────────────────────────────────────

  private async openCamera(generation: number): Promise<void> {
    this.opening = true;
    let failure: Failure;
    try {
      const { settings } = this.store.getSnapshot();
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
            this.outgoing.skipped(busy);
          },
          onFailure: (lost) => {
            if (current()) this.cameraFailed(lost);
          },
          onMuted: (muted) => {
            if (current()) this.cameraMuted(muted);
          },
        },
        // A page that has sent from one camera does not send from another one when the first is unplugged.
        !this.cameraWorked,
      );
      if (generation !== this.generation) {
        camera.stop();
        return;
      }
      // The settings may have changed while the camera was being opened.
      if (needsReopening(settings, this.store.getSnapshot().settings)) {
        camera.stop();
        await this.openCamera(generation);
        return;
      }
      this.opening = false;
      this.cameraOpened(camera, settings);
      return;
    } catch (error) {
      failure = isFailure(error) ? error : cameraFailure(error);
    }
    if (generation !== this.generation) return;
    this.opening = false;
    this.cameraFailed(failure);
  }

  private cameraOpened(camera: Camera, settings: CaptureSettings): void {
    const isFirst = !this.cameraWorked;
    const { live, controls } = this.store.getSnapshot();
    this.camera = camera;
    this.cameraWorked = true;
    this.muted = false;
    this.silence = 0;
    this.configured = limitToDemand(settings, null);
    this.setCameraTrouble(null);
    this.holdCamera();
    this.filterStill();
    const { stream, label: cameraLabel, method, abilities = NO_ABILITIES } = camera;
    this.update({ camera: "on", stream, cameraLabel, method, abilities, controls: NO_CONTROLS });
    // A device that is opened again has forgotten them.
    if (controls.torch || controls.zoom !== null) void this.control(controls);
    this.updateTarget();
    if (isFirst) {
      this.refreshedAt = now();
      clearInterval(this.refreshTimer);
      this.refreshTimer = setInterval(() => this.refresh(), REFRESH_MS);
    }
    if (live && !this.link) this.connect();
  }

  private async reopenCamera(): Promise<void> {
    const generation = ++this.generation;
    clearTimeout(this.cameraTimer);
    this.camera?.stop();
    this.camera = null;
    // While the page waits for the camera, it says so until there is one.
    const waiting = this.store.getSnapshot().camera === "waiting";
    this.update(waiting ? { stream: null } : { camera: "starting", stream: null });
    await this.openCamera(generation);
  }

  /** Waits for the camera, and tries again with back-off; or gives up if nobody would wait for that. */
  private cameraFailed(failure: Failure): void {
    if (HOPELESS.has(failure.kind) || !(this.cameraWorked || this.unattended)) {
      const { live } = this.store.getSnapshot();
      const watching = this.unwatchCameras;
      this.unwatchCameras = undefined;
      this.shutDown(false);
      this.wasLive = live;
      // The person may allow the camera now; then there is no need to press a button again.
      if (failure.kind === "permission-denied") this.unwatchCameras = watching;
      else watching?.();
      this.setCameraTrouble(failure);
      this.updateTarget();
      return;
    }
    this.generation++;
    this.camera?.stop();
    this.camera = null;
    this.muted = false;
    this.stayAwake();
    this.update({ camera: "waiting", stream: null, abilities: NO_ABILITIES });
    this.setCameraTrouble(failure);
    clearTimeout(this.cameraTimer);
    // Asking again without a reason would open the browser's question again and again.
    if (failure.kind === "permission-denied") return;
    this.cameraTimer = setTimeout(() => void this.reopenCamera(), this.cameraBackoff.delayAfter(0));
  }

  private pictureTaken(frame: EncodedFrame): void {
    this.silence = 0;
    if (this.muted) return;
    this.cameraBackoff.noteSuccess();
    this.outgoing.frame(frame);
  }

  private cameraMuted(muted: boolean): void {
    if (!this.camera || muted === this.muted) return;
    this.muted = muted;
    this.silence = 0;
    this.holdCamera();
    this.update({ camera: muted ? "waiting" : "on" });
    this.setCameraTrouble(muted ? { kind: "camera-muted" } : null);
  }

  /** The browser reports something that may have brought the camera back. */
  private signalled(signal: CameraSignal): void {
    const { camera } = this.store.getSnapshot();
    const denied = this.cameraTrouble?.kind === "permission-denied";
    if (camera === "off") {
      if (denied && signal === "allowed") void (this.wasLive ? this.start() : this.preview());
      return;
    }
    if (camera !== "waiting" || this.opening || (denied && signal === "device")) return;
    void this.reopenCamera();
  }

  private holdCamera(): void {
    this.camera?.hold(this.outgoing.held || this.muted);
  }

  private stayAwake(): void {
    this.releaseWakeLock ??= this.options.keepAwake?.((awake) => this.update({ awake }));
  }

  private endWaiting(): void {
    clearTimeout(this.cameraTimer);
    this.unwatchCameras?.();
    this.unwatchCameras = undefined;
  }

  private shutDown(onPurpose: boolean): void {
    this.generation++;
    this.endWaiting();
    this.disconnect(onPurpose);
    this.camera?.stop();
    this.camera = null;
    this.opening = this.muted = false;
    this.releaseWakeLock?.();
    this.releaseWakeLock = undefined;
    clearInterval(this.refreshTimer);
    this.cameraTrouble = this.linkTrouble = null;
    const { summary } = this.store.getSnapshot();
    this.update({ ...CAMERA_OFF, summary: this.summarize() ?? summary });
    this.liveSince = null;
  }

  /** Returns what was sent since the camera went live; null if nothing was. */
  private summarize(): CaptureSummary | null {
    const { sent, bytes } = this.outgoing.stats();
    if (this.liveSince === null || sent === 0) return null;
    return { seconds: (now() - this.liveSince) / 1000, sent, bytes };
  }

  private setCameraTrouble(failure: Failure | null): void {
    this.cameraTrouble = failure;
    this.update({ failure: failure ?? this.linkTrouble });
  }

  private setLinkTrouble(failure: Failure | null): void {
    this.linkTrouble = failure;
    this.update({ failure: this.cameraTrouble ?? failure });
  }

  /** Sets what the camera encodes: the settings, limited by demand and by the uplink. */
  private updateTarget(): void {
    const { settings, demand } = this.store.getSnapshot();
    this.outgoing.want(limitToDemand(settings, settings.demand ? demand : null), settings.adapt);
    const { sending, narrow, tooLarge } = this.outgoing;
    if (this.camera && !(this.configured && sameSettings(sending, this.configured))) {
      this.configured = sending;
      this.camera.configure(sending);
    }
    this.update({ sending, narrow, tooLarge });
  }

  /** Looks at the pictures as the server and the settings want it, from the next frame on. */
  private filterStill(): void {
    const filter = new StillFilter(this.serverCapabilities, this.store.getSnapshot().settings.skipStill);
    this.outgoing.filter(filter);
    this.camera?.measure?.(filter.interval);
  }

  private refresh(): void {
    this.outgoing.judge();
    const at = now();
    const { connection, sending } = this.store.getSnapshot();
    // While nothing can be sent, the encoder does not look at the pictures.
    if (connection === "on-air") this.silence += Math.min(at - this.refreshedAt, LONGEST_STEP_MS);
    else this.silence = 0;
    this.refreshedAt = at;
    if (this.camera && this.silence > Math.max(SILENT_MS, 3000 / sending.fps))
      this.cameraFailed({ kind: this.muted ? "camera-muted" : "camera-silent" });
    if (at - this.refusedAt > REFUSAL_SHOWN_MS) this.update({ refusedFrame: null, refusedCode: null });
    this.update({
      limit: this.camera && !this.muted ? this.outgoing.limit() : null,
      stats: { ...this.outgoing.stats(), roundTrip: this.link?.roundTrip ?? null },
    });
  }

  // ── connection ────────────────────────────────────────────────────────────────────────────────

  private connect(): void {
    this.disconnect(false);
    this.stayAwake();
    const { server, page = globalThis.location.href, openSocket, fetch } = this.options;
    let base: URL;
    try {
      base = serverBase(server, page);
    } catch (error) {
      this.cameraFailed({
        kind: "bad-address",
        detail: error instanceof Error ? error.message : String(error),
      });
      return;
    }
    const identity = (): CaptureSettings => this.store.getSnapshot().settings;
    const authorized = this.access.authorized(fetch ?? ((url, options) => globalThis.fetch(url, options)));
    const link = new CaptureLink(
      {
        url: captureSocketUrl(base),
        access: this.access,
        openSocket,
        identity,
        whyRefused: () => whyRefused(base, identity().cameraId, new URL(page).origin, authorized),
        postUrl: ({ cameraId, name }) => {
          const url = new URL(framesUrl(base, cameraId));
          if (name !== "") url.searchParams.set("name", name);
          return url.href;
        },
        fetch: authorized,
      },
      {
        onChange: ({ connection, failure, retryAt }) => {
          if (connection !== undefined) this.update({ connection });
          if (retryAt !== undefined) this.update({ retryAt });
          if (failure !== undefined) this.setLinkTrouble(failure);
          this.outgoing.judge();
        },
        onRegistered: (maxFrameSize, capabilities) => {
          this.liveSince ??= now();
          this.outgoing.sizeLimit = Math.max(1, Math.min(maxFrameSize ?? DEFAULT_LIMIT, this.learnedLimit));
          this.outgoing.use(link);
          this.serverCapabilities = capabilities;
          this.filterStill();
          this.setDemand(null);
        },
        onPosting: (posting) => {
          this.update({ posting });
          this.outgoing.use(posting ? link : null);
          this.serverCapabilities = [];
          this.filterStill();
          this.setDemand(null);
          if (posting) this.liveSince ??= now();
        },
        onRoom: () => this.outgoing.judge(),
        onFrameRefused: ({ reason, code = null }) => {
          this.refusedAt = now();
          this.update({ refusedFrame: reason, refusedCode: code });
        },
        onTooLarge: () => {
          const { largestFrame } = this.outgoing;
          // Halved, because each attempt costs a connection.
          if (largestFrame > 1) this.learnedLimit = Math.min(this.learnedLimit, Math.floor(largestFrame / 2));
        },
        onDemand: (demand) => this.setDemand(demand),
        onAnswer: (sentAt) => this.outgoing.answered(sentAt),
      },
    );
    this.link = link;
    this.setLinkTrouble(null);
    link.start();
  }

  private disconnect(onPurpose: boolean): void {
    this.link?.stop(onPurpose);
    this.link = null;
    this.outgoing.use(null);
    this.update({ posting: false });
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
