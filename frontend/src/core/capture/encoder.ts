/** Encodes a track by the best means that the browser has, in a worker if possible. */

import { now } from "../clock.js";
import { BitmapRequests } from "./bitmap-requests.js";
import { EncodeLoop, type EncodedFrame, type EncoderSettings, type Picture } from "./encode-loop.js";
import type { FromEncoder, ToEncoder } from "./encoder-messages.js";
import { fit } from "./pacer.js";
import { DRAWN_HEIGHT, DRAWN_OPTIONS, DRAWN_WIDTH, pointDrawer } from "./point-drawer.js";

export interface EncoderHandlers {
  onFrame(frame: EncodedFrame): void;
  /** It was time for a frame, but none was encoded: because of `hold`, or because the device is `busy`. */
  onSkipped(busy: boolean): void;
}

export interface Encoder {
  /** Describes in words how frames are encoded, for the statistics. */
  readonly method: string;
  configure(settings: EncoderSettings): void;
  hold(held: boolean): void;
  /** Makes a small grey picture with a frame after this many milliseconds; Infinity for none. */
  measure(everyMs: number): void;
  stop(): void;
}

interface TrackProcessor {
  readonly readable: ReadableStream<VideoFrame>;
}
declare const MediaStreamTrackProcessor:
  (new (init: { track: MediaStreamTrack }) => TrackProcessor) | undefined;

/** The worker closes its frames within this time. Frames that are not closed hold up some cameras. */
const CLOSING_MS = 500;

export function startEncoder(
  stream: MediaStream,
  track: MediaStreamTrack,
  settings: EncoderSettings,
  handlers: EncoderHandlers,
): Encoder {
  if (typeof Worker === "undefined" || typeof OffscreenCanvas === "undefined") {
    return encodeOnMainThread(stream, settings, handlers);
  }
  let worker: Worker;
  try {
    worker = new Worker(new URL("./encoder.worker.ts", import.meta.url), { type: "module" });
  } catch {
    // Browsers refuse to start a worker from another origin.
    return encodeOnMainThread(stream, settings, handlers);
  }
  return encodeInWorker(worker, stream, track, settings, handlers);
}

function encodeInWorker(
  worker: Worker,
  stream: MediaStream,
  track: MediaStreamTrack,
  settings: EncoderSettings,
  handlers: EncoderHandlers,
): Encoder {
  const post = (message: ToEncoder, transfer: Transferable[] = []): void =>
    worker.postMessage(message, transfer);
  let current = settings;
  let fallback: Encoder | undefined;
  let grabber: Grabber | undefined;
  let copy: MediaStreamTrack | undefined;
  let held = false;
  let everyMs = Infinity;

  const grabFromVideo = (): string => {
    grabber = new Grabber(stream);
    post({ type: "start", source: { kind: "bitmaps" }, settings: current });
    return "video element, encoded in a worker";
  };

  const begin = (): string => {
    if (typeof MediaStreamTrackProcessor !== "undefined") {
      const { readable } = new MediaStreamTrackProcessor({ track });
      post({ type: "start", source: { kind: "frames", readable }, settings }, [readable]);
      return "camera frames, encoded in a worker";
    }
    // Safari has the processor only in workers. A track that is transferred cannot be used on the page any more, so
    // transfer a copy.
    copy = track.clone();
    try {
      post({ type: "start", source: { kind: "track", track: copy }, settings }, [copy]);
      return "camera track, encoded in a worker";
    } catch {
      copy.stop();
      copy = undefined;
      return grabFromVideo();
    }
  };

  worker.onmessage = ({ data }: MessageEvent<FromEncoder>) => {
    switch (data.type) {
      case "frame":
        handlers.onFrame(data);
        break;
      case "skipped":
        handlers.onSkipped(data.busy === true);
        break;
      case "tick":
        grabber?.grab(current.width, (bitmap, at) => post({ type: "bitmap", bitmap, at }, [bitmap]));
        break;
      case "no-processor":
        copy?.stop();
        grabFromVideo();
        break;
    }
  };
  worker.onerror = (event) => {
    event.preventDefault();
    // The worker could not be loaded or failed: continue on the page.
    worker.terminate();
    if (fallback) return;
    fallback = encodeOnMainThread(stream, current, handlers, held);
    fallback.measure(everyMs);
  };

  const method = begin();
  return {
    method,
    configure(next) {
      current = next;
      post({ type: "configure", settings: next });
      fallback?.configure(next);
    },
    hold(next) {
      held = next;
      post({ type: "hold", held: next });
      fallback?.hold(next);
    },
    measure(next) {
      everyMs = next;
      post({ type: "measure", everyMs });
      fallback?.measure(everyMs);
    },
    stop() {
      worker.onmessage = null;
      post({ type: "stop" });
      setTimeout(() => worker.terminate(), CLOSING_MS);
      copy?.stop();
      grabber?.stop();
      fallback?.stop();
    },
  };
}

/**
 * Used if nothing else works: a canvas and a timer on the page. Browsers slow down this timer while the page is hidden.
 */
function encodeOnMainThread(
  stream: MediaStream,
  settings: EncoderSettings,
  handlers: EncoderHandlers,
  held = false,
): Encoder {
  const grabber = new Grabber(stream);
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { alpha: false });
  const drawPoints = pointDrawer(() => {
    const small = document.createElement("canvas");
    Object.assign(small, { width: DRAWN_WIDTH, height: DRAWN_HEIGHT });
    return small.getContext("2d", DRAWN_OPTIONS);
  });
  let encoding = 0;
  const loop = new EncodeLoop<VideoPicture>(settings, {
    ...handlers,
    pointsOf: ({ video }) => drawPoints(video),
    onError: () => handlers.onSkipped(false),
    async encode(picture, width, height, quality) {
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      context?.drawImage(picture.video, 0, 0, width, height);
      encoding++;
      try {
        const blob = await new Promise<Blob | null>((resolve) =>
          canvas.toBlob(resolve, "image/jpeg", quality),
        );
        if (!blob) throw new Error("the canvas gave no JPEG");
        return await blob.arrayBuffer();
      } finally {
        encoding--;
      }
    },
  });
  const requests = new BitmapRequests(settings.fps, {
    request() {
      const picture = grabber.picture();
      if (!picture) return;
      requests.answered();
      loop.offer(picture, grabber.takenAt());
    },
    missed: (busy) => handlers.onSkipped(busy),
    isEncoding: () => encoding > 0,
  });
  loop.hold(held);
  requests.start(held);
  return {
    method: "video element, encoded on the page",
    configure(next) {
      loop.configure(next);
      requests.setRate(next.fps);
    },
    hold(next) {
      loop.hold(next);
      requests.hold(next);
    },
    measure: (everyMs) => loop.measure(everyMs),
    stop() {
      requests.stop();
      loop.stop();
      grabber.stop();
    },
  };
}

interface VideoPicture extends Picture {
  readonly video: HTMLVideoElement;
}

/**
 * A capture time older than this belongs to another frame than the video shows, because a hidden page gets no callbacks
 * for the frames of its video.
 */
const STALE_MS = 250;

/** Takes frames out of a stream through a video element that is not on the page. */
class Grabber {
  private readonly video = document.createElement("video");
  private busy = false;
  /** Whether the browser can make a bitmap smaller while it takes it, which spares the copy of the large one. */
  private resizes = true;
  /** When the frame that the video shows was captured, if the browser reports that. */
  private captured = -Infinity;

  constructor(stream: MediaStream) {
    this.video.muted = true;
    this.video.playsInline = true;
    this.video.srcObject = stream;
    this.video.play().catch(() => undefined);
    this.followFrames();
  }

  /** Returns the time at which the current frame of the video was captured. */
  takenAt(): number {
    const at = now();
    return this.captured <= at && this.captured > at - STALE_MS ? this.captured : at;
  }

  picture(): VideoPicture | null {
    const { video } = this;
    if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || video.videoWidth === 0) return null;
    return { video, width: video.videoWidth, height: video.videoHeight, close: () => undefined };
  }

  /** Takes the current frame, with at most `longest` pixels on its longer side. */
  grab(longest: number, use: (bitmap: ImageBitmap, at: number) => void): void {
    const picture = this.picture();
    if (this.busy || !picture) return;
    this.busy = true;
    const at = this.takenAt();
    this.bitmap(picture, longest)
      .then(
        (bitmap) => use(bitmap, at),
        () => undefined,
      )
      .finally(() => (this.busy = false));
  }

  private async bitmap({ width, height }: Picture, longest: number): Promise<ImageBitmap> {
    const size = fit(width, height, longest);
    if (this.resizes && size.width < width) {
      try {
        return await createImageBitmap(this.video, { resizeWidth: size.width, resizeHeight: size.height });
      } catch {
        this.resizes = false;
      }
    }
    return createImageBitmap(this.video);
  }

  stop(): void {
    this.video.srcObject = null;
  }

  private followFrames(): void {
    // The types promise this callback, but some supported browsers have none.
    const video = this.video as Partial<HTMLVideoElement>;
    video.requestVideoFrameCallback?.((_, { captureTime }) => {
      if (captureTime !== undefined) this.captured = performance.timeOrigin + captureTime;
      this.followFrames();
    });
  }
}
