/**
 * The session of a camera: connects it to the server, sends its frames as the server and the settings want them, and keeps
 * the state that a page shows.
 */

import { Access, type GetToken } from "../access.js";
import { captureSocketUrl, framesUrl, serverBase } from "../address.js";
import { now } from "../clock.js";
import type { Failure } from "../failures.js";
import { whyRefused } from "../reachability.js";
import type { SocketOptions } from "../socket.js";
import { Store, type Readable } from "../store.js";
import type { CameraControls } from "./camera-controls.js";
import { CameraKeeper } from "./camera-keeper.js";
import type { CameraSignal } from "./camera-signals.js";
import { limitToDemand, type Demand } from "./demand.js";
import { DEFAULT_LIMIT } from "./frame-size.js";
import { CaptureLink } from "./link.js";
import { Outgoing } from "./outgoing.js";
import type { OpenCamera } from "./running-camera.js";
import { StillFilter } from "./still-filter.js";
import type { CaptureSettings } from "./settings.js";
import { CAMERA_OFF, NO_STATS, type CaptureSnapshot, type CaptureSummary } from "./snapshot.js";

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

const REFRESH_MS = 500;
/** A refused frame is shown for this long. */
const REFUSAL_SHOWN_MS = 5000;

export class CaptureSession {
  private readonly store: Store<CaptureSnapshot>;
  readonly snapshot: Readable<CaptureSnapshot>;

  private readonly keeper: CameraKeeper;
  private link: CaptureLink | null = null;
  private readonly outgoing: Outgoing;
  private serverCapabilities: readonly string[] = [];
  private refreshTimer: ReturnType<typeof setInterval> | undefined;
  private releaseWakeLock: (() => void) | undefined;
  private linkTrouble: Failure | null = null;
  private readonly access: Access;
  /** Whether the camera was meant to send when it was given up. */
  private wasLive = false;
  /** When the server first accepted the camera since `goLive`, in milliseconds; null while it has not. */
  private liveSince: number | null = null;
  private refusedAt = -Infinity;
  /** The most bytes of a frame, as learned from a server that did not state it. */
  private learnedLimit = Infinity;

  constructor(private readonly options: CaptureOptions) {
    const { settings } = options;
    this.outgoing = new Outgoing(limitToDemand(settings, null), {
      onHold: (held) => this.keeper.hold(held),
      onAdapted: () => this.updateTarget(),
    });
    this.keeper = this.keepCamera();
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
    if (this.keeper.state === "off") await this.begin({ live: false, unattended: false });
  }

  /**
   * Opens the camera if it is off, and starts sending. If the camera sends already, this does the same as `resume`.
   * `unattended` says that nobody is there to press a button: then the page also waits for a camera that has not
   * worked yet.
   */
  async start({ unattended = false } = {}): Promise<void> {
    if (this.keeper.state === "off") await this.begin({ live: true, unattended });
    else if (this.store.getSnapshot().live) this.resume();
    else this.goLive();
  }

  private async begin({ live, unattended }: { live: boolean; unattended: boolean }): Promise<void> {
    this.linkTrouble = null;
    this.keeper.begin(unattended);
    this.update({ camera: "starting", failure: null, stats: NO_STATS });
    if (live) this.goLive();
    await this.keeper.open();
  }

  /** From now on, pictures are sent, as soon as there are any. */
  private goLive(): void {
    this.liveSince = null;
    this.outgoing.resetStats();
    this.update({ live: true, summary: null, stats: NO_STATS });
    if (this.keeper.isOpenOrWaiting) this.connect();
  }

  /** Closes the connection and the camera, and tells the server that this is on purpose. */
  stop(): void {
    this.shutDown(true);
    this.updateTarget();
  }

  /** Connects again after another page took the id over, or after a refusal. The camera has stayed on. */
  resume(): void {
    if (this.keeper.isOpenOrWaiting && this.store.getSnapshot().connection === "ended") this.connect();
  }

  /** Tries at once to open the camera that is waited for. */
  retryCamera(): void {
    const { state } = this.keeper;
    if (state === "waiting") void this.keeper.reopen();
    else if (state === "off") void this.start();
  }

  /** Connects at once instead of at `retryAt`. */
  retryConnection(): void {
    if (this.store.getSnapshot().connection === "waiting") this.link?.reconnect();
  }

  /** Sets the torch and the zoom of the camera. If the device refuses, they stay as they are. */
  async control(change: Partial<CameraControls>): Promise<void> {
    await this.keeper.control(change);
  }

  /** Applies new settings with as little interruption as possible. */
  async configure(settings: CaptureSettings): Promise<void> {
    const before = this.store.getSnapshot().settings;
    this.update({ settings });
    if (settings.skipStill !== before.skipStill) this.filterStill();
    this.updateTarget();
    await this.keeper.follow(before, settings);
    if (settings.cameraId === before.cameraId && settings.name === before.name) return;
    // A connection has one id and one name, so a new id or name needs a new connection.
    // The camera with the old id is not lost, but stopped.
    if (this.link?.running) this.link.reconnect(settings.cameraId !== before.cameraId);
    else this.resume();
  }

  // ── camera ────────────────────────────────────────────────────────────────────────────────────

  private keepCamera(): CameraKeeper {
    const { openCamera, watchCameras, random } = this.options;
    return new CameraKeeper(
      { openCamera, watchCameras, random, settings: () => this.store.getSnapshot().settings },
      {
        onFrame: (frame) => this.outgoing.frame(frame),
        onSkipped: (busy) => this.outgoing.skipped(busy),
        onChange: (change) => this.update(change),
        onTrouble: () => this.showTrouble(),
        onOpened: () => this.cameraOpened(),
        onLost: () => this.stayAwake(),
        onGaveUp: () => this.cameraGivenUp(),
        onAllowed: () => void (this.wasLive ? this.start() : this.preview()),
      },
    );
  }

  private cameraOpened(): void {
    this.filterStill();
    this.updateTarget();
    this.refreshTimer ??= setInterval(() => this.refresh(), REFRESH_MS);
    if (this.store.getSnapshot().live && !this.link) this.connect();
  }

  private cameraGivenUp(): void {
    const { live } = this.store.getSnapshot();
    this.shutDown(false);
    this.wasLive = live;
    this.updateTarget();
  }

  private stayAwake(): void {
    this.releaseWakeLock ??= this.options.keepAwake?.((awake) => this.update({ awake }));
  }

  private shutDown(onPurpose: boolean): void {
    this.disconnect(onPurpose);
    this.keeper.close();
    this.releaseWakeLock?.();
    this.releaseWakeLock = undefined;
    clearInterval(this.refreshTimer);
    this.refreshTimer = undefined;
    this.linkTrouble = null;
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

  private setLinkTrouble(failure: Failure | null): void {
    this.linkTrouble = failure;
    this.showTrouble();
  }

  private showTrouble(): void {
    this.update({ failure: this.keeper.trouble ?? this.linkTrouble });
  }

  /** Sets what the camera encodes: the settings, limited by demand and by the uplink. */
  private updateTarget(): void {
    const { settings, demand } = this.store.getSnapshot();
    this.outgoing.want(limitToDemand(settings, settings.demand ? demand : null), settings.adapt);
    const { sending, narrow, tooLarge } = this.outgoing;
    this.keeper.configure(sending);
    this.update({ sending, narrow, tooLarge });
  }

  /** Looks at the pictures as the server and the settings want it, from the next frame on. */
  private filterStill(): void {
    const filter = new StillFilter(this.serverCapabilities, this.store.getSnapshot().settings.skipStill);
    this.outgoing.filter(filter);
    this.keeper.measure(filter.interval);
  }

  private refresh(): void {
    this.outgoing.judge();
    const at = now();
    const { connection, sending } = this.store.getSnapshot();
    this.keeper.checkSilence(connection === "on-air", sending.fps);
    if (at - this.refusedAt > REFUSAL_SHOWN_MS) this.update({ refusedFrame: null, refusedCode: null });
    this.update({
      limit: this.keeper.state === "on" ? this.outgoing.limit() : null,
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
      this.keeper.fail({
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
