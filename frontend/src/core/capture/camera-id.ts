/** Gives each tab of a browser its own camera id, because two tabs with one id would take it from each other. */

import { MAX_CAMERA_ID_LENGTH } from "../limits.js";

/** Tabs that can have an id of their own; more share the last one. */
const MOST_TABS = 16;

/**
 * Returns `id`, or `id-2`, `id-3` and so on if other tabs of this browser use it, and keeps the result for this tab
 * until the tab is closed. Browsers have `locks` only on secure pages; without them, returns `id`.
 */
export async function claimCameraId(
  id: string,
  locks: Pick<LockManager, "request"> | undefined,
): Promise<string> {
  if (!locks) return id;
  let candidate = id;
  for (let tab = 1; tab <= MOST_TABS; tab++) {
    const suffix = tab === 1 ? "" : `-${tab}`;
    candidate = id.slice(0, MAX_CAMERA_ID_LENGTH - suffix.length) + suffix;
    if (await claim(candidate, locks)) break;
  }
  return candidate;
}

/** Takes the lock of an id if no other tab has it. Returns false if another tab has it. */
function claim(id: string, locks: Pick<LockManager, "request">): Promise<boolean> {
  return new Promise((resolve) => {
    locks
      .request(`skysentry-camera:${id}`, { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        // The lock is held until this promise is settled, which happens when the tab is closed.
        return lock === null ? undefined : new Promise<void>(() => undefined);
      })
      // Some browsers forbid locks together with cookies: then the id is used as it is.
      .catch(() => resolve(true));
  });
}
