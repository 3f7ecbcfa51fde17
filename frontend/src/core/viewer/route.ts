/** Keeps what the page shows in the browser's address and history, so that Back, reload and a sent link work. */

import { Store, type Readable } from "../store.js";
import { readViewAddress, writeViewAddress, type ViewAddress } from "./view-address.js";

/** What `history.state` holds: how many steps of this page are behind the current one. */
interface Steps {
  readonly steps: number;
}

export class Route {
  private readonly store = new Store(readViewAddress(location.search));
  readonly address: Readable<ViewAddress> = this.store;
  /** Back was called, and the browser has not answered yet. */
  private goingBack = false;

  /** Follows Back and Forward. Returns the function that ends this. */
  follow(): () => void {
    const changed = (): void => {
      this.goingBack = false;
      this.read();
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
   * by a link, there is nothing to go back to, and only the address changes.
   */
  close(change: Partial<ViewAddress>): void {
    if (this.steps === 0) this.replace(change);
    else if (!this.goingBack) {
      this.goingBack = true;
      history.back();
    }
  }

  /** Returns the address of the page with changes, for a link. */
  href(change: Partial<ViewAddress>): string {
    return `${location.pathname}${writeViewAddress(location.search, change)}`;
  }

  private get steps(): number {
    const steps = (history.state as Partial<Steps> | null)?.steps;
    return typeof steps === "number" ? steps : 0;
  }

  private write(change: Partial<ViewAddress>, how: "push" | "replace"): void {
    const href = `${this.href(change)}${location.hash}`;
    if (how === "push") history.pushState({ steps: this.steps + 1 } satisfies Steps, "", href);
    else history.replaceState({ steps: this.steps } satisfies Steps, "", href);
    this.read();
  }

  private read(): void {
    this.store.set(readViewAddress(location.search));
  }
}
