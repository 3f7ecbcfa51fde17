/** The messages between the page and the encoding worker. */

import type { EncodedFrame, EncoderSettings } from "./encode-loop.js";

export type FrameSource =
  | { readonly kind: "frames"; readonly readable: ReadableStream<VideoFrame> }
  | { readonly kind: "track"; readonly track: MediaStreamTrack }
  | { readonly kind: "bitmaps" };

export type ToEncoder =
  | { readonly type: "start"; readonly source: FrameSource; readonly settings: EncoderSettings }
  | { readonly type: "configure"; readonly settings: EncoderSettings }
  | { readonly type: "hold"; readonly held: boolean }
  /** A small grey picture is wanted after this many milliseconds; Infinity for none. */
  | { readonly type: "measure"; readonly everyMs: number }
  | { readonly type: "bitmap"; readonly bitmap: ImageBitmap; readonly at: number }
  /** The worker is to close the frames that it has; it is terminated soon. */
  | { readonly type: "stop" };

export type FromEncoder =
  | ({ readonly type: "frame" } & EncodedFrame)
  /** `busy`: because the device is too slow; otherwise because the encoder is held. */
  | { readonly type: "skipped"; readonly busy?: true }
  /** Asks for a bitmap; there is at most one such question at a time. In a hidden page, timers run on time only in workers. */
  | { readonly type: "tick" }
  /** The worker cannot read the track. */
  | { readonly type: "no-processor" };
