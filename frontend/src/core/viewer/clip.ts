/** Clips. A clip is a part of a camera's timeline, as a file. */

import { parseObject } from "../protocol.js";

/**
 * `mp4` plays everywhere, but the server has to encode it; `mkv` is a video of the unchanged JPEGs; `zip` holds the JPEGs,
 * and every server can make it.
 */
export type ClipFormat = "mp4" | "mkv" | "zip";

const TYPES: Record<ClipFormat, string> = {
  mp4: "video/mp4",
  mkv: "video/matroska",
  zip: "application/zip",
};

/** The server did not make the clip. The message is the server's own sentence, if it sent one. */
export class ClipRefused extends Error {
  override readonly name = "ClipRefused";

  constructor(
    /** The HTTP status; 0 if the server did not answer. */
    readonly status: number,
    reason: string,
  ) {
    super(reason);
  }
}

export interface ClipDownload {
  readonly url: string;
  readonly format: ClipFormat;
  /** The name without its ending, for servers of other origins that hide the name which they give. */
  readonly name: string;
  /** Called with the number of bytes that have come. How many there will be is not known before the end. */
  readonly onProgress?: (bytes: number) => void;
  readonly signal?: AbortSignal;
  readonly fetch?: typeof fetch;
}

/** Downloads a clip. Rejects with `ClipRefused`, or with an `AbortError` if `signal` was aborted. */
export async function downloadClip(download: ClipDownload): Promise<File> {
  const { url, format, name, onProgress, signal, fetch: get = fetch } = download;
  try {
    const response = await get(url, { cache: "no-store", ...(signal && { signal }) });
    if (!response.ok) throw new ClipRefused(response.status, await reasonOf(response));
    const parts: BlobPart[] = [];
    let bytes = 0;
    const reader = response.body?.getReader();
    for (;;) {
      const next = await reader?.read();
      if (next?.value === undefined) break;
      parts.push(next.value);
      onProgress?.((bytes += next.value.byteLength));
    }
    const given = /filename="([^"/\\]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1];
    return new File(parts, given ?? `${name}.${format}`, { type: TYPES[format] });
  } catch (error) {
    if (error instanceof ClipRefused || signal?.aborted) throw error;
    throw new ClipRefused(0, "");
  }
}

async function reasonOf(response: Response): Promise<string> {
  const { error } = parseObject(await response.text().catch(() => "")) ?? {};
  return typeof error === "string" ? error : "";
}
