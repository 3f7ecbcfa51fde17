/** The encoding worker: encodes frames as JPEGs without occupying the page's thread. */

import { now } from "../clock.js";
import { BitmapRequests } from "./bitmap-requests.js";
import { DRAWN_HEIGHT, DRAWN_OPTIONS, DRAWN_WIDTH, pointDrawer } from "./point-drawer.js";
import { EncodeLoop, type EncoderSettings, type Picture } from "./encode-loop.js";
import type { FromEncoder, FrameSource, ToEncoder } from "./encoder-messages.js";
import { PictureClock } from "./picture-clock.js";

interface Drawable extends Picture {
  readonly source: VideoFrame | ImageBitmap;
}
interface TrackProcessor {
  readonly readable: ReadableStream<VideoFrame>;
}
declare const MediaStreamTrackProcessor:
  (new (init: { track: MediaStreamTrack }) => TrackProcessor) | undefined;

const scope = self as unknown as {
  onmessage: ((event: MessageEvent<ToEncoder>) => void) | null;
  postMessage(message: FromEncoder, transfer?: Transferable[]): void;
};

const canvas = new OffscreenCanvas(2, 2);
const context = canvas.getContext("2d", { alpha: false });
const drawPoints = pointDrawer(() =>
  new OffscreenCanvas(DRAWN_WIDTH, DRAWN_HEIGHT).getContext("2d", DRAWN_OPTIONS),
);
let loop: EncodeLoop<Drawable> | undefined;
/** Asks the page for bitmaps, if it cannot transfer the camera's track. */
let requests: BitmapRequests | undefined;
let reader: ReadableStreamDefaultReader<VideoFrame> | undefined;
let encoding = 0;
let held = false;
let pointsEvery = Infinity;

scope.onmessage = ({ data }) => {
  switch (data.type) {
    case "start":
      start(data.source, data.settings);
      break;
    case "configure":
      loop?.configure(data.settings);
      requests?.setRate(data.settings.fps);
      break;
    case "hold":
      held = data.held;
      loop?.hold(held);
      requests?.hold(held);
      break;
    case "measure":
      pointsEvery = data.everyMs;
      loop?.measure(pointsEvery);
      break;
    case "stop":
      loop?.stop();
      requests?.hold(true);
      void reader?.cancel();
      break;
    case "bitmap": {
      const { bitmap, at } = data;
      requests?.answered();
      loop?.offer(
        { source: bitmap, width: bitmap.width, height: bitmap.height, close: () => bitmap.close() },
        at,
      );
      break;
    }
  }
};

function start(source: FrameSource, settings: EncoderSettings): void {
  loop = new EncodeLoop<Drawable>(settings, {
    encode,
    pointsOf: ({ source }) => drawPoints(source),
    onFrame: (frame) => scope.postMessage({ type: "frame", ...frame }, [frame.jpeg]),
    onSkipped: skipped,
    // An error costs one frame, not the camera.
    onError: () => scope.postMessage({ type: "skipped" }),
  });
  loop.hold(held);
  loop.measure(pointsEvery);
  switch (source.kind) {
    case "frames":
      void pump(source.readable, loop);
      break;
    case "track":
      if (typeof MediaStreamTrackProcessor === "undefined") scope.postMessage({ type: "no-processor" });
      else void pump(new MediaStreamTrackProcessor({ track: source.track }).readable, loop);
      break;
    case "bitmaps":
      requests = new BitmapRequests(settings.fps, {
        request: () => scope.postMessage({ type: "tick" }),
        missed: skipped,
        isEncoding: () => encoding > 0,
      });
      requests.start(held);
      break;
  }
}

/**
 * Reads every frame immediately, so that no frame gets old in the stream. The loop chooses the frames that are encoded.
 */
async function pump(readable: ReadableStream<VideoFrame>, target: EncodeLoop<Drawable>): Promise<void> {
  const frames = (reader = readable.getReader());
  const clock = new PictureClock();
  for (;;) {
    const { done, value } = await frames.read();
    if (done) return;
    target.offer(
      { source: value, width: value.displayWidth, height: value.displayHeight, close: () => value.close() },
      clock.takenAt(value.timestamp / 1000, now()),
    );
  }
}

function skipped(busy: boolean): void {
  scope.postMessage(busy ? { type: "skipped", busy } : { type: "skipped" });
}

async function encode(
  picture: Drawable,
  width: number,
  height: number,
  quality: number,
): Promise<ArrayBuffer> {
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  encoding++;
  try {
    context?.drawImage(picture.source, 0, 0, width, height);
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality });
    return await blob.arrayBuffer();
  } finally {
    encoding--;
  }
}
