/** Saves the picture on the screen as a file, named after the camera and the time of the picture. */

import { canvasesOf } from "./use-picture.js";
import { fileStamp } from "./file-stamp.js";
import type { Viewer } from "./use-viewer.js";

export async function savePicture({ painter }: Viewer, cameraId: string): Promise<void> {
  if (!painter) return;
  const picture = await canvasesOf(painter).surfaceOf(cameraId)?.picture();
  if (picture) download(picture.jpeg, `${cameraId}_${fileStamp(picture.mark.takenAt)}.jpg`);
}

function download(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser reads the blob later.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
