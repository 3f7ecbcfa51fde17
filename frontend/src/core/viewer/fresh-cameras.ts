/** Knows which cameras have just appeared, so that a wall can point at them. */

import { Store, type Readable } from "../store.js";

const FRESH_MS = 2000;
const NONE: readonly string[] = [];

export class FreshCameras {
  private readonly store = new Store<readonly string[]>(NONE);
  readonly cameraIds: Readable<readonly string[]> = this.store;
  private readonly known = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** Takes the cameras that are there. The first ones are not new: they were there before the page. */
  note(cameraIds: readonly string[]): void {
    const fresh = this.known.size === 0 ? NONE : cameraIds.filter((id) => !this.known.has(id));
    for (const id of cameraIds) this.known.add(id);
    if (fresh.length === 0) return;
    this.store.set([...this.store.getSnapshot(), ...fresh]);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.store.set(NONE), FRESH_MS);
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}
