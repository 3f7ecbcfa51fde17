/** A value that tells its listeners about its changes, in the shape that React's useSyncExternalStore takes. */

export interface Readable<T> {
  readonly getSnapshot: () => T;
  /** Calls `listener` after every change. Returns the function that ends these calls. */
  readonly subscribe: (listener: () => void) => () => void;
}

export class Store<T> implements Readable<T> {
  private readonly listeners = new Set<() => void>();

  constructor(private value: T) {}

  readonly getSnapshot = (): T => this.value;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  set(value: T): void {
    if (Object.is(value, this.value)) return;
    this.value = value;
    for (const listener of [...this.listeners]) listener();
  }
}

/**
 * Returns `before` if it has the same fields or items as `after`, otherwise `after`. So a comparison by identity finds
 * a change only if there is one.
 */
export function reuse<T extends object>(before: T | null | undefined, after: T): T {
  if (!before) return after;
  const keys = Object.keys(after) as (keyof T)[];
  const equal =
    keys.length === Object.keys(before).length && keys.every((key) => Object.is(before[key], after[key]));
  return equal ? before : after;
}
