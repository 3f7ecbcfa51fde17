/** Clips. A clip is a part of a camera's timeline, as a file. */

/** `mkv` is a video; `zip` holds the JPEGs, for servers that cannot encode videos. */
export type ClipFormat = "mkv" | "zip";

/**
 * Asks whether the server can encode the clip as a video, without downloading the video. `video` is the address of the
 * clip as `mkv`.
 */
export async function chooseClipFormat(video: string, ask: typeof fetch = fetch): Promise<ClipFormat> {
  try {
    const { status } = await ask(video, { method: "HEAD", cache: "no-store" });
    return status === 501 ? "zip" : "mkv";
  } catch {
    // The download itself will show the error.
    return "mkv";
  }
}
