import { useEffect, useState } from "react";
import { listCameras, watchCameras, type CameraChoice } from "../core/capture/camera.js";

/** Returns the cameras of this device. With another `cameraLabel`, one was opened, and the browser may reveal their names. */
export function useCameras(cameraLabel: string): readonly CameraChoice[] {
  const [cameras, setCameras] = useState<readonly CameraChoice[]>([]);
  useEffect(() => {
    let current = true;
    const read = (): void => {
      listCameras().then(
        (found) => {
          if (current) setCameras(found);
        },
        () => undefined,
      );
    };
    read();
    const unwatch = watchCameras(read);
    return () => {
      current = false;
      unwatch();
    };
  }, [cameraLabel]);
  return cameras;
}
