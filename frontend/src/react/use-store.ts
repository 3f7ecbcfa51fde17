import { useSyncExternalStore } from "react";
import type { Readable } from "../core/store.js";

/**
 * Returns the value of a store, and renders the component again when this value changes. With `select`, returns the
 * result of `select`, and renders again only when this result changes. So `select` must return the same object as long
 * as nothing in the object changes.
 */
export function useStore<T>(store: Readable<T>): T;
export function useStore<T, S>(store: Readable<T>, select: (value: T) => S): S;
export function useStore<T, S>(store: Readable<T>, select?: (value: T) => S): T | S {
  const get = (): T | S => {
    const value = store.getSnapshot();
    return select ? select(value) : value;
  };
  return useSyncExternalStore(store.subscribe, get, get);
}
