/** Pictures without a WebSocket: asks the REST interface for every camera's newest, again and again. */

import { cameraListUrl, snapshotUrl } from "../address.js";
import {
  decodeCameras,
  isClientId,
  isJpeg,
  parseObject,
  parseTime,
  type CameraInfo,
  type FrameHeader,
} from "../protocol.js";

export interface PollingHandlers {
  onCameras(cameras: readonly CameraInfo[]): void;
  onFrame(header: FrameHeader, jpeg: Uint8Array<ArrayBuffer>): void;
  /** The server answered, or did not. */
  onReachable(reachable: boolean): void;
}

export interface PollingOptions {
  readonly base: URL;
  /** The ids to ask for; empty means all. */
  readonly cameras: readonly string[];
  readonly fetch?: typeof fetch;
}

const LIST_EVERY_MS = 2000;
const FRAME_EVERY_MS = 250;
/** Requests per second over all cameras: browsers open six connections at most, and the server answers one on each. */
const REQUESTS_PER_SECOND = 24;
const DEADLINE_MS = 5000;

export class RestPolling {
  private readonly stopped = new AbortController();
  private readonly running = new Set<string>();

  constructor(
    private readonly options: PollingOptions,
    private readonly handlers: PollingHandlers,
  ) {}

  start(): void {
    void this.pollList();
  }

  stop(): void {
    this.stopped.abort();
  }

  private async pollList(): Promise<void> {
    while (!this.over()) {
      const cameras = await this.readList();
      if (this.over()) return;
      this.handlers.onReachable(cameras !== null);
      if (cameras) {
        this.handlers.onCameras(cameras);
        const online = new Set(cameras.filter((camera) => camera.online).map((camera) => camera.clientId));
        for (const id of online) if (!this.running.has(id)) void this.pollCamera(id);
        for (const id of this.running) if (!online.has(id)) this.running.delete(id);
      }
      await this.pause(LIST_EVERY_MS);
    }
  }

  private async readList(): Promise<CameraInfo[] | null> {
    try {
      const response = await this.get(cameraListUrl(this.options.base));
      if (!response.ok) return null;
      const body = parseObject(await response.text());
      const cameras = Array.isArray(body?.details)
        ? decodeCameras(body.details)
        : // A server of the older kind lists ids only, and only those that are there.
          (Array.isArray(body?.clients) ? body.clients.filter(isClientId) : []).map((clientId) => ({
            clientId,
            online: true,
          }));
      const wanted = this.options.cameras;
      return wanted.length === 0 ? cameras : cameras.filter((camera) => wanted.includes(camera.clientId));
    } catch {
      return null;
    }
  }

  private async pollCamera(clientId: string): Promise<void> {
    this.running.add(clientId);
    let etag: string | null = null;
    let counted = 0;
    while (this.running.has(clientId) && !this.over()) {
      const startedAt = Date.now();
      try {
        const response = await this.get(
          snapshotUrl(this.options.base, clientId),
          etag === null ? {} : { "If-None-Match": etag },
        );
        if (response.status === 200) {
          etag = response.headers.get("ETag");
          const jpeg = new Uint8Array(await response.arrayBuffer());
          if (isJpeg(jpeg) && !this.over()) {
            this.handlers.onFrame(readHeaders(clientId, response.headers, jpeg, ++counted), jpeg);
          }
        }
      } catch {
        // The list, asked for as often as it is, says whether the server is there.
      }
      const every = Math.max(FRAME_EVERY_MS, (1000 * this.running.size) / REQUESTS_PER_SECOND);
      await this.pause(Math.max(20, every - (Date.now() - startedAt)));
    }
  }

  private over(): boolean {
    return this.stopped.signal.aborted;
  }

  private get(url: string, headers: Record<string, string> = {}): Promise<Response> {
    const signal = AbortSignal.any([this.stopped.signal, AbortSignal.timeout(DEADLINE_MS)]);
    // no-store: the browser's cache would answer a 304 with the old picture and hide that nothing is new.
    return (this.options.fetch ?? fetch)(url, { headers, signal, cache: "no-store" });
  }

  private pause(milliseconds: number): Promise<void> {
    const { signal } = this.stopped;
    return new Promise((resolve) => {
      if (signal.aborted) {
        resolve();
        return;
      }
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      signal.addEventListener("abort", done);
    });
  }
}

/** Headers another origin may not show us are made up for: order by arrival, age from the time of arrival. */
function readHeaders(clientId: string, headers: Headers, jpeg: Uint8Array, counted: number): FrameHeader {
  const sequence = Number(headers.get("X-Sequence") ?? Number.NaN);
  const stamp = headers.get("X-Timestamp");
  // Seconds since the epoch, as in the multipart streams, or RFC 3339.
  const seconds = Number(stamp ?? Number.NaN);
  const timestamp = Number.isFinite(seconds) ? seconds * 1000 : parseTime(stamp);
  return {
    clientId,
    sequence: Number.isInteger(sequence) ? sequence : counted,
    timestamp: timestamp ?? Date.now(),
    size: jpeg.byteLength,
  };
}
