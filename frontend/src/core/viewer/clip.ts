/** Clips: what the server keeps of a camera, from one moment to another, as a file. */

/** `mkv` plays everywhere; `zip` holds the JPEGs, for servers that cannot make films. */
export type ClipFormat = "mkv" | "zip";

/** Asks whether the server makes films, without having one made. */
export async function chooseClipFormat(film: string, ask: typeof fetch = fetch): Promise<ClipFormat> {
  try {
    const { status } = await ask(film, { method: "HEAD", cache: "no-store" });
    return status === 501 ? "zip" : "mkv";
  } catch {
    // The download will say what is wrong.
    return "mkv";
  }
}
