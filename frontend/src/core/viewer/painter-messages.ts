/** What the page and the painting worker say to each other. A surface is one camera's canvas. */

export type ToPainter =
  | { readonly type: "open"; readonly surface: number; readonly canvas: OffscreenCanvas }
  | {
      readonly type: "frame";
      readonly surface: number;
      /** The message as it came, and where in it the JPEG starts. */
      readonly buffer: ArrayBuffer;
      readonly offset: number;
      readonly takenAt: number;
    }
  | { readonly type: "close"; readonly surface: number }
  | { readonly type: "snapshot"; readonly surface: number; readonly request: number };

export type FromPainter =
  | {
      readonly type: "painted";
      readonly surface: number;
      readonly takenAt: number;
      readonly width: number;
      readonly height: number;
    }
  | { readonly type: "dropped"; readonly surface: number }
  | { readonly type: "snapshot"; readonly request: number; readonly jpeg: Blob | null };
