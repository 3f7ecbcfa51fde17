/** What the page and the painting worker say to each other. A surface is one camera's canvas. */

import type { Box } from "./messages.js";

/** What is known of a frame wherever it goes. */
export interface FrameMark {
  readonly sequence: number;
  /** When the picture was taken, by the server's clock. */
  readonly takenAt: number;
  readonly live: boolean;
}

export type ToPainter =
  | { readonly type: "open"; readonly surface: number; readonly canvas: OffscreenCanvas }
  | {
      readonly type: "frame";
      readonly surface: number;
      /** The message as it came, and where in it the JPEG starts. */
      readonly buffer: ArrayBuffer;
      readonly offset: number;
      readonly mark: FrameMark;
      readonly boxes: readonly Box[];
    }
  | { readonly type: "close"; readonly surface: number }
  | { readonly type: "snapshot"; readonly surface: number; readonly request: number };

export type FromPainter =
  | {
      readonly type: "painted";
      readonly surface: number;
      readonly mark: FrameMark;
      /** By our clock. */
      readonly paintedAt: number;
      readonly width: number;
      readonly height: number;
    }
  /** Overtaken by a newer one, or, if broken, no picture at all. */
  | { readonly type: "dropped"; readonly surface: number; readonly mark: FrameMark; readonly broken: boolean }
  | { readonly type: "snapshot"; readonly request: number; readonly jpeg: Blob | null };
