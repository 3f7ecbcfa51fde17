/** Keeps the screen on while a camera sends, if the browser allows it. */

/** Returns the function that lets the screen turn off again. */
export function keepAwake(): () => void {
  const wakeLock = (navigator as Partial<Navigator>).wakeLock;
  if (!wakeLock) return () => undefined;
  let lock: WakeLockSentinel | undefined;
  let wanted = true;
  const ask = (): void => {
    if (!wanted || document.visibilityState !== "visible") return;
    wakeLock.request("screen").then(
      (granted) => {
        if (wanted) lock = granted;
        else void granted.release();
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
