/** Has a track's pictures encoded by the best means this browser has, off the main thread wherever it can. */

import { now } from "../clock.js";
import { EncodeLoop, type EncodedFrame, type EncoderSettings, type Picture } from "./encode-loop.js";
import type { FromEncoder, ToEncoder } from "./encoder-messages.js";

export interface EncoderHandlers {
  onFrame(frame: EncodedFrame): void;
  onSkipped(): void;
}

export interface Encoder {
  /** In words, for the statistics. */
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
    // A page of another origin may not start our worker.
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
  const say = (message: ToEncoder, transfer: Transferable[] = []): void =>
    worker.postMessage(message, transfer);
  let current = settings;
  let fallback: Encoder | undefined;
  let grabber: Grabber | undefined;
  let copy: MediaStreamTrack | undefined;
  let held = false;

  const grabFromVideo = (): string => {
    grabber = new Grabber(stream);
    say({ type: "start", source: { kind: "bitmaps" }, settings: current });
    return "video element, encoded in a worker";
  };

  const begin = (): string => {
    if (typeof MediaStreamTrackProcessor !== "undefined") {
      const { readable } = new MediaStreamTrackProcessor({ track });
      say({ type: "start", source: { kind: "frames", readable }, settings }, [readable]);
      return "camera frames, encoded in a worker";
    }
    // Safari has the processor in workers only, and gives a track away for good: send a copy.
    copy = track.clone();
    try {
      say({ type: "start", source: { kind: "track", track: copy }, settings }, [copy]);
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
        grabber?.grab((bitmap, at) => say({ type: "bitmap", bitmap, at }, [bitmap]));
        break;
      case "no-processor":
        copy?.stop();
        grabFromVideo();
        break;
    }
  };
  worker.onerror = (event) => {
    event.preventDefault();
    // The worker could not be loaded or broke: the camera goes on without it.
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
      say({ type: "configure", settings: next });
      fallback?.configure(next);
    },
    hold(next) {
      held = next;
      say({ type: "hold", held: next });
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

/** The last resort: a canvas and a timer on the page itself, which sleep when the page is hidden. */
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
      // Beginning anew at every change of something else could put a slow tick off for ever.
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

/** A hidden page is not told of its video's frames: what it was told last must not pass for the present one. */
const STALE_MS = 250;

/** Takes pictures out of a stream through a video element that nobody sees. */
class Grabber {
  private readonly video = document.createElement("video");
  private busy = false;
  /** When the frame was taken that the video shows, where the browser says so. */
  private captured = -Infinity;

  constructor(stream: MediaStream) {
    this.video.muted = true;
    this.video.playsInline = true;
    this.video.srcObject = stream;
    this.video.play().catch(() => undefined);
    this.followFrames();
  }

  /** When the picture was taken that would be grabbed now. */
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
    // Not in every browser we support, whatever the types promise.
    const video = this.video as Partial<HTMLVideoElement>;
    video.requestVideoFrameCallback?.((_, { captureTime }) => {
      if (captureTime !== undefined) this.captured = performance.timeOrigin + captureTime;
      this.followFrames();
    });
  }
}
