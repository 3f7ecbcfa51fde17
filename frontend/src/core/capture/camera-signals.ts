/** Reports what a browser tells about its cameras, so that a page that waits for a camera can try again at once. */

/** `allowed`: the person allowed the camera. `visible`: the page is shown again. `device`: a device came or went. */
export type CameraSignal = "allowed" | "visible" | "device";

/** Calls back with each signal. Returns the function that ends these calls. */
export function watchCameraSignals(listener: (signal: CameraSignal) => void): () => void {
  const controller = new AbortController();
  const { signal } = controller;
  // The types promise these, but some browsers inside apps have none.
  const { mediaDevices, permissions } = navigator as Partial<Navigator>;
  mediaDevices?.addEventListener("devicechange", () => listener("device"), { signal });
  document.addEventListener(
    "visibilitychange",
    () => {
      if (document.visibilityState === "visible") listener("visible");
    },
    { signal },
  );
  // Some browsers do not know this permission: then the person has to press a button.
  permissions?.query({ name: "camera" }).then(
    (status) => {
      if (signal.aborted) return;
      status.addEventListener(
        "change",
        () => {
          if (status.state === "granted") listener("allowed");
        },
        { signal },
      );
    },
    () => undefined,
  );
  return () => controller.abort();
}

/** Returns whether the person has allowed this page to use the camera before. False if the browser does not tell. */
export async function isCameraAllowed(): Promise<boolean> {
  try {
    const status = await (navigator as Partial<Navigator>).permissions?.query({ name: "camera" });
    return status?.state === "granted";
  } catch {
    return false;
  }
}
