/** Keeps the screen on while a camera is on the air, where the browser lets us. */

/** Returns how to let the screen go dark again. */
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
      // Refused on low battery; the camera works without it.
      () => undefined,
    );
  };
  // The browser takes the lock away whenever the page is hidden.
  document.addEventListener("visibilitychange", ask);
  ask();
  return () => {
    wanted = false;
    document.removeEventListener("visibilitychange", ask);
    void lock?.release();
  };
}
