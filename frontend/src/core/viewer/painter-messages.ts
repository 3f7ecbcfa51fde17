/** The messages between the page and the painting worker. A surface is one camera's canvas. */

import type { Box } from "./messages.js";

/** Identifies a frame on its way to the screen. */
export interface FrameMark {
  readonly sequence: number;
  /** By the server's clock: when a live frame was captured, or when the server received a frame of a playback. */
  readonly takenAt: number;
  readonly live: boolean;
}

/** How large a surface is shown. */
export interface ShownSize {
  /** Pixels of the page. */
  readonly width: number;
  readonly height: number;
  /** Device pixels for one pixel of the page. */
  readonly ratio: number;
}

/** The JPEG on the screen. */
export interface Picture {
  readonly jpeg: Blob;
  readonly mark: FrameMark;
}

export type ToPainter =
  | { readonly type: "open"; readonly surface: number; readonly canvas: OffscreenCanvas }
  | {
      readonly type: "frame";
      readonly surface: number;
      /** The message as it was received, and the offset of the JPEG in it. */
      readonly buffer: ArrayBuffer;
      readonly offset: number;
      readonly mark: FrameMark;
      readonly boxes: readonly Box[];
      /** Of the boxes, 0 to 1. */
      readonly opacity: number;
    }
  | { readonly type: "size"; readonly surface: number; readonly size: ShownSize }
  | { readonly type: "close"; readonly surface: number }
  | { readonly type: "snapshot"; readonly surface: number; readonly request: number };

export type FromPainter =
  | {
      readonly type: "painted";
      readonly surface: number;
      readonly mark: FrameMark;
      /** By our clock, in milliseconds since the epoch. */
      readonly paintedAt: number;
      readonly width: number;
      readonly height: number;
    }
  /** The frame is not painted. If `broken`, it cannot be decoded; otherwise a newer frame superseded it. */
  | { readonly type: "dropped"; readonly surface: number; readonly mark: FrameMark; readonly broken: boolean }
  | { readonly type: "snapshot"; readonly request: number; readonly picture: Picture | null };
