/** One camera on the air: opens it, registers its id, sends every JPEG, and says at any time how that goes. */

import { captureSocketUrl, serverBase } from "../address.js";
import { now } from "../clock.js";
import { cameraFailure, type Failure } from "../failures.js";
import { Heartbeat } from "../heartbeat.js";
import { RateMeter } from "../meter.js";
import { CloseCode, decodeServerMessage, encodeRegistration } from "../protocol.js";
import { ReconnectingSocket, type SocketOptions } from "../socket.js";
import { Store, type Readable } from "../store.js";
import type { EncodedFrame, EncoderSettings } from "./encode-loop.js";
import type { CaptureSettings } from "./settings.js";

/** A running camera with its encoder; the browser's is in `camera.ts`. */
export interface Camera {
  /** For the preview. */
  readonly stream: MediaStream | null;
  readonly label: string;
  readonly method: string;
  configure(settings: EncoderSettings): void;
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
  /** The address of the page, against which `server` is resolved. */
  readonly page?: string;
  /** Keeps the screen on; returns how to let go. */
  readonly keepAwake?: () => () => void;
  readonly openSocket?: SocketOptions["open"];
}

export type CaptureConnection = "off" | "connecting" | "on-air" | "waiting" | "ended";

export interface CaptureStats {
  readonly fps: number;
  readonly sent: number;
  readonly dropped: number;
  readonly bytesPerSecond: number;
  /** Milliseconds there and back. */
  readonly roundTrip: number | null;
  readonly width: number;
  readonly height: number;
}

export interface CaptureSnapshot {
  readonly camera: "off" | "starting" | "on";
  readonly connection: CaptureConnection;
  readonly failure: Failure | null;
  readonly settings: CaptureSettings;
  readonly stream: MediaStream | null;
  /** What the browser calls the camera. */
  readonly cameraLabel: string;
  /** How pictures become JPEGs here, for the curious. */
  readonly method: string;
  readonly stats: CaptureStats;
}

const NO_STATS: CaptureStats = {
  fps: 0,
  sent: 0,
  dropped: 0,
  bytesPerSecond: 0,
  roundTrip: null,
  width: 0,
  height: 0,
};
const REFRESH_MS = 500;
const REGISTRATION_DEADLINE_MS = 8000;
/** What may wait in the browser unsent; more would only be older when it arrives. At least two frames, however big. */
const BACKLOG_BYTES = 64 * 1024;

export class CaptureSession {
  private readonly store: Store<CaptureSnapshot>;
  readonly snapshot: Readable<CaptureSnapshot>;

  private camera: Camera | null = null;
  private socket: ReconnectingSocket | null = null;
  private readonly heartbeat: Heartbeat;
  private readonly frameMeter = new RateMeter();
  private refreshTimer: ReturnType<typeof setInterval> | undefined;
  private registrationTimer: ReturnType<typeof setTimeout> | undefined;
  private letSleep: (() => void) | undefined;
  /** Rises with every start and stop, so that a camera that opens late knows it is no longer wanted. */
  private generation = 0;
  private held = true;
  private lastFrameBytes = 0;
  /** What the server said before it closed. */
  private refusal: { readonly reason: string; readonly whileOnAir: boolean } | null = null;
  /** Why we are off the air, where we know better than "gone". */
  private explained: Failure | null = null;

  constructor(private readonly options: CaptureOptions) {
    this.store = new Store<CaptureSnapshot>({
      camera: "off",
      connection: "off",
      failure: null,
      settings: options.settings,
      stream: null,
      cameraLabel: "",
      method: "",
      stats: NO_STATS,
    });
    this.snapshot = this.store;
    this.heartbeat = new Heartbeat({
      send: (text) => this.socket?.send(text),
      onSilent: () => this.socket?.reconnect(),
    });
  }

  /** Opens the camera and goes on the air. Does nothing while that is already so or under way. */
  async start(): Promise<void> {
    const before = this.store.getSnapshot();
    if (before.camera !== "off") {
      this.resume();
      return;
    }
    const generation = ++this.generation;
    this.update({ camera: "starting", failure: null, stats: NO_STATS });
    this.frameMeter.reset();
    if (!(await this.openCamera(generation))) return;
    this.letSleep = this.options.keepAwake?.();
    this.refreshTimer = setInterval(() => this.refresh(), REFRESH_MS);
    this.connect();
  }

  /** Closes connection and camera. */
  stop(): void {
    this.generation++;
    this.disconnect();
    this.closeCamera();
    this.update({ camera: "off", connection: "off", failure: null, stream: null });
  }

  /** Goes back on the air after another page took the id over, or after a refusal. The camera has stayed on. */
  resume(): void {
    const { camera, connection } = this.store.getSnapshot();
    if (camera === "on" && connection === "ended") this.connect();
  }

  /** Takes new settings into effect, with as little interruption as they allow. */
  async configure(settings: CaptureSettings): Promise<void> {
    const before = this.store.getSnapshot().settings;
    this.update({ settings });
    const otherCamera = settings.deviceId !== before.deviceId || settings.facing !== before.facing;
    // A higher resolution has to be asked of the camera itself; a camera that is opening will see the new settings.
    if (this.camera && (otherCamera || settings.width > before.width)) await this.reopenCamera();
    else this.camera?.configure(settings);
    if (settings.clientId === before.clientId && settings.name === before.name) return;
    // An id belongs to a connection: another id needs another one.
    if (this.socket && this.socket.state.kind !== "stopped") this.socket.reconnect();
    else this.resume();
  }

  // ── camera ────────────────────────────────────────────────────────────────────────────────────

  private async openCamera(generation: number): Promise<boolean> {
    try {
      const camera = await this.options.openCamera(this.store.getSnapshot().settings, {
        onFrame: (frame) => this.send(frame),
        onSkipped: () => this.skipped(),
        onFailure: (failure) => this.cameraFailed(failure),
      });
      if (generation !== this.generation) {
        camera.stop();
        return false;
      }
      this.camera = camera;
      camera.hold(this.held);
      this.update({ camera: "on", stream: camera.stream, cameraLabel: camera.label, method: camera.method });
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
    this.letSleep?.();
    this.letSleep = undefined;
    clearInterval(this.refreshTimer);
  }

  // ── frames ────────────────────────────────────────────────────────────────────────────────────

  private send(frame: EncodedFrame): void {
    const size = frame.jpeg.byteLength;
    if (this.held || !this.socket?.send(frame.jpeg)) {
      this.count({ dropped: 1 });
      return;
    }
    this.lastFrameBytes = size;
    this.frameMeter.add(now(), size);
    this.count({ sent: 1, width: frame.width, height: frame.height });
    this.judgeBacklog();
  }

  private skipped(): void {
    this.count({ dropped: 1 });
    // Skipped frames come at the frame rate, even in a hidden page whose timers sleep: they are our tick.
    this.judgeBacklog();
  }

  private judgeBacklog(): void {
    const limit = Math.max(BACKLOG_BYTES, 2 * this.lastFrameBytes);
    const onAir = this.store.getSnapshot().connection === "on-air";
    this.hold(!onAir || (this.socket?.bufferedAmount ?? 0) > limit);
  }

  private hold(held: boolean): void {
    if (held === this.held) return;
    this.held = held;
    this.camera?.hold(held);
  }

  // The counters live outside the snapshot between refreshes: a new snapshot for every frame would wake React as often.
  private counted: { sent: number; dropped: number; width: number; height: number } = { ...NO_STATS };

  private count(change: { sent?: number; dropped?: number; width?: number; height?: number }): void {
    this.counted.sent += change.sent ?? 0;
    this.counted.dropped += change.dropped ?? 0;
    this.counted.width = change.width ?? this.counted.width;
    this.counted.height = change.height ?? this.counted.height;
  }

  private refresh(): void {
    const { perSecond, amountPerSecond } = this.frameMeter.rates(now());
    this.update({
      stats: {
        ...this.counted,
        fps: perSecond,
        bytesPerSecond: amountPerSecond,
        roundTrip: this.heartbeat.clock.roundTrip ?? null,
      },
    });
  }

  // ── connection ────────────────────────────────────────────────────────────────────────────────

  private connect(): void {
    this.disconnect();
    this.counted = { ...NO_STATS };
    let url: string;
    try {
      url = captureSocketUrl(serverBase(this.options.server, this.options.page ?? globalThis.location.href));
    } catch (error) {
      this.cameraFailed({
        kind: "bad-address",
        detail: error instanceof Error ? error.message : String(error),
      });
      return;
    }
    const open = this.options.openSocket;
    this.socket = new ReconnectingSocket(open ? { url, open } : { url }, {
      onOpen: () => this.register(),
      onText: (text) => this.read(text),
      onBinary: () => this.heartbeat.heard(),
      onClose: (code) => this.closed(code),
      onState: (state) => {
        if (state.kind === "waiting") {
          // What the server said is the better explanation; keep it until we are back on the air.
          const failure = this.explained ?? { kind: "server-gone", retryAt: state.retryAt };
          this.update({ connection: "waiting", failure });
        } else if (state.kind === "stopped") this.update({ connection: "ended" });
        else this.update({ connection: "connecting" });
        this.judgeBacklog();
      },
    });
    this.explained = null;
    this.update({ failure: null });
    this.socket.start();
  }

  private disconnect(): void {
    clearTimeout(this.registrationTimer);
    this.heartbeat.stop();
    this.socket?.stop();
    this.socket = null;
    this.hold(true);
  }

  private register(): void {
    const { clientId, name } = this.store.getSnapshot().settings;
    this.refusal = null;
    this.socket?.send(
      encodeRegistration({
        clientId,
        ...(name === "" ? {} : { name }),
        ...(this.options.token === undefined ? {} : { token: this.options.token }),
      }),
    );
    this.registrationTimer = setTimeout(() => this.socket?.reconnect(), REGISTRATION_DEADLINE_MS);
  }

  private read(text: string): void {
    this.heartbeat.heard();
    const message = decodeServerMessage(text);
    switch (message?.type) {
      case "registration-success":
        clearTimeout(this.registrationTimer);
        this.heartbeat.start();
        this.explained = null;
        this.update({ connection: "on-air", failure: null });
        this.judgeBacklog();
        break;
      case "registration-error":
        this.refusal = {
          reason: message.error,
          whileOnAir: this.store.getSnapshot().connection === "on-air",
        };
        break;
      case "clock":
        this.heartbeat.take(message);
        break;
      case "clients":
      case "client-connected":
      case "client-disconnected":
      case undefined:
        break;
    }
  }

  private closed(code: number): "retry" | "stop" {
    clearTimeout(this.registrationTimer);
    this.heartbeat.stop();
    const clientId = this.store.getSnapshot().settings.clientId;
    if (code === CloseCode.replaced) {
      // Coming back by ourselves would throw the other page out, which would come back, and so on for ever.
      this.update({ failure: { kind: "replaced", clientId } });
      return "stop";
    }
    const { refusal } = this;
    this.refusal = null;
    if (refusal && !refusal.whileOnAir && code === CloseCode.policyViolation) {
      this.update({ failure: { kind: "refused", clientId, reason: refusal.reason } });
      return "stop";
    }
    if (code === CloseCode.messageTooBig) this.explained = { kind: "frame-too-big" };
    else if (refusal) this.explained = { kind: "sent-away", reason: refusal.reason };
    return "retry";
  }

  private update(change: Partial<CaptureSnapshot>): void {
    this.store.set({ ...this.store.getSnapshot(), ...change });
  }
}

function isFailure(value: unknown): value is Failure {
  return typeof value === "object" && value !== null && !(value instanceof Error) && "kind" in value;
}
