/** Keeps what the page shows in the browser's address and history, so that Back, reload and a sent link work. */

import { Store, type Readable } from "../store.js";
import { readViewAddress, writeViewAddress, type ViewAddress } from "./view-address.js";

/** What `history.state` holds: which parts of the address this step has opened. */
interface Step {
  readonly opened: readonly string[];
}

export class Route {
  private readonly store = new Store(readViewAddress(location.search));
  readonly address: Readable<ViewAddress> = this.store;
  private readonly visitCount = new Store(0);
  /** How often Back and Forward have led to another address. */
  readonly visits: Readable<number> = this.visitCount;
  /** Back was called, and the browser has not answered yet. */
  private goingBack = false;

  /** Follows Back and Forward. Returns the function that ends this. */
  follow(): () => void {
    const changed = (): void => {
      this.goingBack = false;
      this.read();
      this.visitCount.set(this.visitCount.getSnapshot() + 1);
    };
    globalThis.addEventListener("popstate", changed);
    return () => globalThis.removeEventListener("popstate", changed);
  }

  /** Shows something that Back closes again. */
  open(change: Partial<ViewAddress>): void {
    this.write(change, "push");
  }

  /** Changes the address without a new step for Back. */
  replace(change: Partial<ViewAddress>): void {
    this.write(change, "replace");
  }

  /**
   * Closes what `open` has shown: goes back, so that Back does not open it again. If the page began with it, for example
   * by a link, or if something else was opened since, only the address changes.
   */
  close(change: Partial<ViewAddress>): void {
    if (!Object.keys(change).every((key) => this.opened.includes(key))) this.replace(change);
    else if (!this.goingBack) {
      this.goingBack = true;
      history.back();
    }
  }

  /** Returns the address of the page with changes, for a link. */
  href(change: Partial<ViewAddress>): string {
    return `${location.pathname}${writeViewAddress(location.search, change)}`;
  }

  private get opened(): readonly string[] {
    const opened = (history.state as Partial<Step> | null)?.opened;
    return Array.isArray(opened) ? (opened as readonly string[]) : [];
  }

  private write(change: Partial<ViewAddress>, how: "push" | "replace"): void {
    const href = `${this.href(change)}${location.hash}`;
    if (how === "push") history.pushState({ opened: Object.keys(change) } satisfies Step, "", href);
    else history.replaceState({ opened: this.opened } satisfies Step, "", href);
    this.read();
  }

  private read(): void {
    this.store.set(readViewAddress(location.search));
  }
}
