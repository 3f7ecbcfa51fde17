/** Gives a file to the person: as a download, or to another app. */

/** Downloads a file under its name. */
export function saveFile(file: File): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = url;
  link.download = file.name;
  link.click();
  // The browser reads the file later.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Whether the system can hand videos to another app. */
export function canShareVideos(): boolean {
  const { share, canShare } = navigator as Partial<Navigator>;
  if (!share || !canShare) return false;
  return canShare.call(navigator, { files: [new File([""], "clip.mp4", { type: "video/mp4" })] });
}

/**
 * Opens the system's share sheet with a file. Returns false if the browser wants a fresh press of a button, because the
 * last one is too long ago.
 */
export async function shareFile(file: File): Promise<boolean> {
  try {
    await navigator.share({ files: [file], title: file.name });
  } catch (error) {
    // Any other error means that the person has closed the sheet.
    return !(error instanceof DOMException && error.name === "NotAllowedError");
  }
  return true;
}
