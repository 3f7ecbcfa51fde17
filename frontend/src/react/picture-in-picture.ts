/** Shows the picture of a camera in a small window above all others, if the browser can do this. */

import type { Viewer } from "./use-viewer.js";
import { canvasesOf } from "./use-picture.js";

export function canPictureInPicture(): boolean {
  return (
    typeof document !== "undefined" &&
    (document as Partial<Document>).pictureInPictureEnabled === true &&
    "captureStream" in HTMLCanvasElement.prototype
  );
}

/** Opens the small window, or closes it if it is open. The picture stays there until the camera is closed. */
export async function togglePictureInPicture({ painter }: Viewer, cameraId: string): Promise<void> {
  if (document.pictureInPictureElement) {
    await document.exitPictureInPicture();
    return;
  }
  const canvas = painter && canvasesOf(painter).surfaceOf(cameraId)?.canvas;
  if (!canvas) return;
  const video = document.createElement("video");
  video.muted = true;
  video.srcObject = canvas.captureStream();
  try {
    await video.play();
    await video.requestPictureInPicture();
  } catch {
    // The browser allows this only shortly after a click, and some browsers not at all.
    video.srcObject = null;
  }
}
