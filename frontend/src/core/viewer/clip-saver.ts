/** Downloads one clip after another, and says how far it is, so that a page can show it. */

import { Store, type Readable } from "../store.js";
import { ClipRefused, downloadClip, type ClipDownload, type ClipFormat } from "./clip.js";

export type ClipState =
  | { readonly kind: "idle" }
  /** `bytes` have come. */
  | { readonly kind: "loading"; readonly format: ClipFormat; readonly bytes: number }
  | { readonly kind: "done"; readonly format: ClipFormat; readonly file: File }
  | {
      readonly kind: "failed";
      readonly format: ClipFormat;
      readonly status: number;
      readonly reason: string;
    };

const IDLE: ClipState = { kind: "idle" };

export class ClipSaver {
  private readonly store = new Store<ClipState>(IDLE);
  readonly state: Readable<ClipState> = this.store;
  private readonly refused = new Store<readonly ClipFormat[]>([]);
  /** The formats that this server cannot make, as far as it has been asked. */
  readonly impossible: Readable<readonly ClipFormat[]> = this.refused;
  private running: AbortController | undefined;

  /** Ends an earlier download, and resolves to the file, or to null if there is none. Never rejects. */
  async load(download: Omit<ClipDownload, "signal" | "onProgress">): Promise<File | null> {
    this.cancel();
    const { format } = download;
    const controller = (this.running = new AbortController());
    const current = (): boolean => this.running === controller;
    this.store.set({ kind: "loading", format, bytes: 0 });
    try {
      const file = await downloadClip({
        ...download,
        signal: controller.signal,
        onProgress: (bytes) => current() && this.store.set({ kind: "loading", format, bytes }),
      });
      if (!current()) return null;
      this.store.set({ kind: "done", format, file });
      return file;
    } catch (error) {
      if (!current()) return null;
      const { status, message } = error instanceof ClipRefused ? error : new ClipRefused(0, "");
      this.store.set({ kind: "failed", format, status, reason: message });
      if (status === 501) this.refused.set([...new Set([...this.refused.getSnapshot(), format])]);
      return null;
    }
  }

  /** Ends the download, and forgets what it has given. */
  cancel(): void {
    this.running?.abort();
    this.running = undefined;
    this.store.set(IDLE);
  }
}
