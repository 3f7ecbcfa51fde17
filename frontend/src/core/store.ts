/** A value that notifies of its changes, in the shape that React's useSyncExternalStore takes. */

export interface Readable<T> {
  readonly getSnapshot: () => T;
  /** Calls `listener` after every change. Returns the function that ends this. */
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
