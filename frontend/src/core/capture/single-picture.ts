/** One picture from the camera app of a phone: made as small as the camera's settings say, and posted. */

import { readRefusal } from "../access.js";
import type { Failure } from "../failures.js";
import { parseObject } from "../protocol.js";

/** How the sending of a picture has ended; otherwise the reason. */
export type SendResult =
  | { readonly kind: "sent" }
  /** The browser cannot read the file, as most cannot read HEIC. */
  | { readonly kind: "unreadable" }
  | { readonly kind: "failed"; readonly failure: Failure }
  | { readonly kind: "refused"; readonly code: string; readonly reason: string };

const DEADLINE_MS = 30_000;

/**
 * Returns the picture in a file as a JPEG that is upright, with at most `width` pixels on its longer side. Returns null
 * if the browser cannot read the file.
 */
export async function shrinkPicture(file: Blob, width: number, quality: number): Promise<Blob | null> {
  const address = URL.createObjectURL(file);
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const { naturalWidth, naturalHeight } = image;
    const scale = Math.min(1, width / Math.max(naturalWidth, naturalHeight));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(naturalWidth * scale));
    canvas.height = Math.max(1, Math.round(naturalHeight * scale));
    // An image element is drawn upright, as its Exif data say.
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
  } catch {
    return null;
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** Posts a JPEG to the address at which a camera posts frames. Never rejects. */
export async function postPicture(
  url: string,
  jpeg: Blob,
  fetch: typeof globalThis.fetch = (address, options) => globalThis.fetch(address, options),
): Promise<SendResult> {
  let answer: Response;
  let text: string;
  try {
    const headers = { "Content-Type": "image/jpeg" };
    answer = await fetch(url, {
      method: "POST",
      headers,
      body: jpeg,
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    text = await answer.text();
  } catch {
    return { kind: "failed", failure: { kind: "server-gone", retryAt: null } };
  }
  if (answer.ok) return { kind: "sent" };
  const refusal = readRefusal(answer.status, text);
  if (refusal !== null) return { kind: "failed", failure: { kind: "access-refused", ...refusal } };
  const { code, error } = parseObject(text) ?? {};
  if (typeof error !== "string")
    return { kind: "failed", failure: { kind: "http-refused", status: answer.status } };
  return { kind: "refused", code: typeof code === "string" ? code : "", reason: error.replace(/\.$/, "") };
}
