/** The recordings of the cameras that a timeline shows: what is known of them, and what may be done with them. */

import { AccessApi } from "../rest.js";
import { Store, type Readable } from "../store.js";
import type { PastEvent } from "./past.js";
import { PastMap } from "./past-map.js";
import { Recordings } from "./recordings.js";

/** Frames are up to a second apart, so a picture this close to the begin of an event shows this event. */
const SAME_EVENT_MS = 2000;

export class History {
  readonly recordings: Recordings;
  readonly map: PastMap;
  private readonly api: AccessApi;
  private readonly admin = new Store(false);
  /** Whether this person may protect recordings. */
  readonly mayProtect: Readable<boolean> = this.admin;
  private lastEvent: PastEvent | undefined;

  constructor(base: URL, fetch: typeof globalThis.fetch) {
    this.recordings = new Recordings(base, fetch);
    this.map = new PastMap(this.recordings);
    this.api = new AccessApi(base, fetch);
  }

  /** Asks what this person may do. */
  start(): void {
    this.api.session().then(
      ({ actions }) => this.admin.set("admin" in actions),
      // Without an answer, nothing is offered that may be refused.
      () => undefined,
    );
  }

  /** Returns the next event of any of the cameras after a moment (1), or the last one before it (-1). */
  async eventFrom(cameraIds: readonly string[], at: number, direction: -1 | 1): Promise<PastEvent | null> {
    const { lastEvent, recordings } = this;
    const start = lastEvent && Math.abs(at - lastEvent.from) < SAME_EVENT_MS ? lastEvent.from : at;
    const found = await Promise.all(
      cameraIds.map((id) =>
        (direction > 0 ? recordings.eventAfter(id, start) : recordings.eventBefore(id, start)).catch(
          () => null,
        ),
      ),
    );
    const [nearest] = found
      .filter((event) => event !== null)
      .sort((one, other) => direction * (one.from - other.from));
    if (nearest) this.lastEvent = nearest;
    return nearest ?? null;
  }

  /** Protects a part of the recordings of these cameras, or ends the protection. Rejects if the server refuses. */
  async protect(
    cameraIds: readonly string[],
    span: { from: number; to: number },
    on: boolean,
  ): Promise<void> {
    await Promise.all(cameraIds.map((id) => this.recordings.keep(id, span, on)));
    this.map.refresh();
  }

  stop(): void {
    this.map.stop();
  }
}
