import { useSyncExternalStore } from "react";
import type { Readable } from "../core/store.js";

/**
 * Returns the value of a store, and renders the component again when that value changes. With `select`, only a change
 * of what it returns counts, so `select` must return the same object as long as nothing in it changes.
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
