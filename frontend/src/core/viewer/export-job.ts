/** Lets the server write a part of the recordings of one or several cameras into a file, and says how far it is. */

import { apiUrl } from "../address.js";
import { isFiniteNumber } from "../protocol.js";
import { AccessApi, RequestError } from "../rest.js";
import { Store, type Readable } from "../store.js";
import type { ClipFormat } from "./clip.js";
import type { Span } from "./timeline-window.js";

export type ExportState =
  | { readonly kind: "idle" }
  /** `share` is from 0 to 1. */
  | { readonly kind: "writing"; readonly share: number; readonly bytes: number }
  | { readonly kind: "ready"; readonly url: string; readonly name: string; readonly bytes: number }
  | { readonly kind: "failed"; readonly status: number; readonly reason: string };

const IDLE: ExportState = { kind: "idle" };
const POLL_MS = 700;

export class ExportJob {
  private readonly store = new Store<ExportState>(IDLE);
  readonly state: Readable<ExportState> = this.store;
  private readonly api: AccessApi;
  private id: string | undefined;
  private run = 0;

  constructor(
    private readonly base: URL,
    fetch: typeof globalThis.fetch,
  ) {
    this.api = new AccessApi(base, fetch);
  }

  /** Ends an earlier export, and resolves when this one is ready, has failed or was cancelled. Never rejects. */
  async start(cameraIds: readonly string[], { from, to }: Span, format: ClipFormat): Promise<void> {
    this.cancel();
    const run = this.run;
    const time = (at: number): string => new Date(at).toISOString();
    this.store.set({ kind: "writing", share: 0, bytes: 0 });
    try {
      const range = { from: time(Math.floor(from)), to: time(Math.ceil(to)) };
      let answer = await this.api.ask("POST", "exports", { clients: cameraIds, ...range, format });
      const id = String(answer.id);
      if (run !== this.run) {
        this.remove(id);
        return;
      }
      for (this.id = id; this.take(answer);) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        if (run !== this.run) return;
        answer = await this.api.ask("GET", `exports/${encodeURIComponent(id)}`);
        if (run !== this.run) return;
      }
    } catch (error) {
      if (run !== this.run) return;
      const { status, reason } = error instanceof RequestError ? error : { status: 0, reason: "" };
      this.store.set({ kind: "failed", status, reason });
    }
  }

  /** Ends an export that is being written. One that is ready stays, because the browser may be downloading it. */
  cancel(): void {
    this.run++;
    if (this.id !== undefined && this.store.getSnapshot().kind === "writing") this.remove(this.id);
    this.id = undefined;
    this.store.set(IDLE);
  }

  /** Takes what the server says of the export, and returns whether it goes on. */
  private take(answer: Record<string, unknown>): boolean {
    const bytes = isFiniteNumber(answer.bytes) ? answer.bytes : 0;
    const text = (value: unknown): string => (typeof value === "string" ? value : "");
    if (answer.state === "ready") {
      const url = apiUrl(this.base, text(answer.url).replace(/^\/?api\//, ""));
      this.store.set({ kind: "ready", url, name: text(answer.name), bytes });
      return false;
    }
    if (answer.state === "failed") {
      this.store.set({ kind: "failed", status: 500, reason: text(answer.error) });
      return false;
    }
    const share = isFiniteNumber(answer.progress) ? Math.min(1, Math.max(0, answer.progress)) : 0;
    this.store.set({ kind: "writing", share, bytes });
    return true;
  }

  private remove(id: string): void {
    this.api.ask("DELETE", `exports/${encodeURIComponent(id)}`).catch(() => undefined);
  }
}
