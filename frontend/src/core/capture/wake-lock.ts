/** Keeps the screen on while a camera sends, if the browser allows it. */

/**
 * Returns the function that lets the screen turn off again. Calls `onChange` with whether the browser keeps the screen
 * on.
 */
export function keepAwake(onChange?: (isAwake: boolean) => void): () => void {
  const wakeLock = (navigator as Partial<Navigator>).wakeLock;
  if (!wakeLock) return () => undefined;
  let lock: WakeLockSentinel | undefined;
  let wanted = true;
  const ask = (): void => {
    if (!wanted || document.visibilityState !== "visible") return;
    wakeLock.request("screen").then(
      (granted) => {
        if (!wanted) {
          void granted.release();
          return;
        }
        lock = granted;
        onChange?.(true);
        granted.addEventListener("release", () => {
          if (wanted) onChange?.(false);
        });
      },
      // Browsers refuse this on a low battery; the camera works without it.
      () => undefined,
    );
  };
  // The browser releases the lock whenever the page is hidden.
  document.addEventListener("visibilitychange", ask);
  ask();
  return () => {
    wanted = false;
    document.removeEventListener("visibilitychange", ask);
    void lock?.release();
  };
}
