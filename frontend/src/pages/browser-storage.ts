/** The storage of the browser, where it has one. */

/** Browsers may forbid the storage; reading the property then throws. */
export function browserStorage(): Storage | null {
  try {
    return globalThis.localStorage;
  } catch {
    return null;
  }
}
