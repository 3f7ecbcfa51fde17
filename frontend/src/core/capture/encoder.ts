/** Encodes a track by the best means that the browser has, in a worker if possible. */

import { now } from "../clock.js";
import { EncodeLoop, type EncodedFrame, type EncoderSettings, type Picture } from "./encode-loop.js";
import type { FromEncoder, ToEncoder } from "./encoder-messages.js";

export interface EncoderHandlers {
  onFrame(frame: EncodedFrame): void;
  onSkipped(): void;
}

export interface Encoder {
  /** Describes in words how frames are encoded, for the statistics. */
  readonly method: string;
  configure(settings: EncoderSettings): void;
  hold(held: boolean): void;
  stop(): void;
}

interface TrackProcessor {
  readonly readable: ReadableStream<VideoFrame>;
}
declare const MediaStreamTrackProcessor:
  (new (init: { track: MediaStreamTrack }) => TrackProcessor) | undefined;

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
        handlers.onSkipped();
        break;
      case "tick":
        grabber?.grab((bitmap, at) => post({ type: "bitmap", bitmap, at }, [bitmap]));
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
    fallback = encodeOnMainThread(stream, current, handlers);
    fallback.hold(held);
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
    stop() {
      worker.terminate();
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
): Encoder {
  const grabber = new Grabber(stream);
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { alpha: false });
  const loop = new EncodeLoop<VideoPicture>(settings, {
    ...handlers,
    onError: () => handlers.onSkipped(),
    async encode(picture, width, height, quality) {
      if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      context?.drawImage(picture.video, 0, 0, width, height);
      const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
      if (!blob) throw new Error("the canvas gave no JPEG");
      return blob.arrayBuffer();
    },
  });
  const tick = (): void => {
    const picture = grabber.picture();
    if (picture) loop.offer(picture, grabber.takenAt());
  };
  let ticking = settings.fps;
  let timer = setInterval(tick, 1000 / ticking);
  return {
    method: "video element, encoded on the page",
    configure(next) {
      loop.configure(next);
      // Restarting the timer at the same rate could postpone a slow tick again and again.
      if (next.fps === ticking) return;
      ticking = next.fps;
      clearInterval(timer);
      timer = setInterval(tick, 1000 / ticking);
    },
    hold: (held) => loop.hold(held),
    stop() {
      clearInterval(timer);
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

  grab(use: (bitmap: ImageBitmap, at: number) => void): void {
    if (this.busy || !this.picture()) return;
    this.busy = true;
    const at = this.takenAt();
    createImageBitmap(this.video)
      .then(
        (bitmap) => use(bitmap, at),
        () => undefined,
      )
      .finally(() => (this.busy = false));
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
