/** Gets frames without a WebSocket: requests the newest frame of every camera by REST, again and again. */

import { readRefusal, type AccessRefusal } from "../access.js";
import { cameraListUrl, snapshotUrl } from "../address.js";
import { now } from "../clock.js";
import {
  decodeCameras,
  isCameraId,
  isJpeg,
  parseObject,
  parseTime,
  type CameraInfo,
  type FrameHeader,
} from "../protocol.js";

export interface PollingHandlers {
  onCameras(cameras: readonly CameraInfo[]): void;
  onFrame(header: FrameHeader, jpeg: Uint8Array<ArrayBuffer>): void;
  /** Whether the server answered. */
  onReachable(reachable: boolean): void;
  /** The server refuses access. */
  onRefused(refusal: AccessRefusal): void;
}

export interface PollingOptions {
  readonly base: URL;
  /** The ids of the cameras to ask for; empty means all. */
  readonly cameras: readonly string[];
  readonly fetch?: typeof fetch;
}

const LIST_EVERY_MS = 2000;
const FRAME_EVERY_MS = 250;
/**
 * Requests per second for all cameras together. Browsers open at most six connections to a server, with one request on
 * each.
 */
const REQUESTS_PER_SECOND = 24;
const DEADLINE_MS = 5000;

export class RestPolling {
  private stopped = false;
  /** One function for each request and each wait in progress, which ends it. */
  private readonly endings = new Set<() => void>();
  private readonly running = new Set<string>();

  constructor(
    private readonly options: PollingOptions,
    private readonly handlers: PollingHandlers,
  ) {}

  start(): void {
    void this.pollList();
  }

  stop(): void {
    this.stopped = true;
    for (const end of [...this.endings]) end();
  }

  private async pollList(): Promise<void> {
    while (!this.over()) {
      const cameras = await this.readList();
      if (this.over()) return;
      this.handlers.onReachable(cameras !== null);
      if (cameras) {
        this.handlers.onCameras(cameras);
        const online = new Set(cameras.filter((camera) => camera.online).map((camera) => camera.cameraId));
        for (const id of online) if (!this.running.has(id)) void this.pollCamera(id);
        for (const id of this.running) if (!online.has(id)) this.running.delete(id);
      }
      await this.pause(LIST_EVERY_MS);
    }
  }

  private async readList(): Promise<CameraInfo[] | null> {
    try {
      const answer = await this.get(cameraListUrl(this.options.base));
      if (answer.status !== 200) {
        const refusal = readRefusal(answer.status, new TextDecoder().decode(answer.body));
        if (refusal && !this.over()) this.handlers.onRefused(refusal);
        return null;
      }
      const body = parseObject(new TextDecoder().decode(answer.body));
      const cameras = Array.isArray(body?.details)
        ? decodeCameras(body.details)
        : // SkySentry Go lists only the ids of cameras that are online.
          (Array.isArray(body?.clients) ? body.clients.filter(isCameraId) : []).map((cameraId) => ({
            cameraId,
            online: true,
          }));
      const wanted = this.options.cameras;
      return wanted.length === 0 ? cameras : cameras.filter((camera) => wanted.includes(camera.cameraId));
    } catch {
      return null;
    }
  }

  private async pollCamera(cameraId: string): Promise<void> {
    this.running.add(cameraId);
    let etag: string | null = null;
    let counted = 0;
    while (this.running.has(cameraId) && !this.over()) {
      const startedAt = now();
      try {
        const { status, headers, body } = await this.get(
          snapshotUrl(this.options.base, cameraId),
          etag === null ? {} : { "If-None-Match": etag },
        );
        const jpeg = new Uint8Array(body);
        if (status === 200 && isJpeg(jpeg) && !this.over()) {
          etag = headers.get("ETag");
          this.handlers.onFrame(readHeaders(cameraId, headers, jpeg, ++counted), jpeg);
        }
      } catch {
        // The requests for the list show whether the server is reachable.
      }
      const every = Math.max(FRAME_EVERY_MS, (1000 * this.running.size) / REQUESTS_PER_SECOND);
      await this.pause(Math.max(20, every - (now() - startedAt)));
    }
  }

  private over(): boolean {
    return this.stopped;
  }

  private async get(url: string, headers: Record<string, string> = {}): Promise<Answer> {
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    const timer = setTimeout(abort, DEADLINE_MS);
    this.endings.add(abort);
    try {
      // Without no-store, the browser would turn a 304 into a 200 with the old frame, and we would not see that there
      // is no new frame.
      const options: RequestInit = { headers, signal: controller.signal, cache: "no-store" };
      const response = await (this.options.fetch ?? fetch)(url, options);
      return { status: response.status, headers: response.headers, body: await response.arrayBuffer() };
    } finally {
      clearTimeout(timer);
      this.endings.delete(abort);
    }
  }

  private pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.endings.delete(done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      if (this.stopped) done();
      else this.endings.add(done);
    });
  }
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: ArrayBuffer;
}

/**
 * Reads the HTTP headers of a frame. A server of another origin may hide them. Then the order of arrival replaces the
 * sequence, and the time of arrival replaces the timestamp.
 */
function readHeaders(cameraId: string, headers: Headers, jpeg: Uint8Array, counted: number): FrameHeader {
  const sequence = Number(headers.get("X-Sequence") ?? Number.NaN);
  const stamp = headers.get("X-Timestamp");
  // Seconds since the epoch, as in the multipart streams, or RFC 3339.
  const seconds = Number(stamp ?? Number.NaN);
  const timestamp = Number.isFinite(seconds) ? seconds * 1000 : parseTime(stamp);
  return {
    cameraId,
    sequence: Number.isInteger(sequence) ? sequence : counted,
    timestamp: timestamp ?? now(),
    size: jpeg.byteLength,
  };
}
