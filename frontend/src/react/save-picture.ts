/** Saves the picture on the screen as a file, named after the camera and the time of the picture. */

import { canvasesOf } from "./use-picture.js";
import { fileStamp } from "./file-stamp.js";
import { saveFile } from "./save-file.js";
import type { Viewer } from "./use-viewer.js";

export async function savePicture({ painter }: Viewer, cameraId: string): Promise<void> {
  if (!painter) return;
  const picture = await canvasesOf(painter).surfaceOf(cameraId)?.picture();
  if (!picture) return;
  const name = `${cameraId}_${fileStamp(picture.mark.takenAt)}.jpg`;
  saveFile(new File([picture.jpeg], name, { type: "image/jpeg" }));
}
