import { useEffect, useState } from "react";

/**
 * Returns the address at which `<img>` can show a picture of the server. If `request` is given, the picture needs a token,
 * which `<img>` cannot present: then the picture is requested, and undefined is returned until the first one is there.
 */
export function useServerPicture(
  url: string | undefined,
  request: typeof fetch | undefined,
): string | undefined {
  const [loaded, setLoaded] = useState<string>();
  useEffect(() => {
    if (url === undefined || request === undefined) return;
    const controller = new AbortController();
    let shown: string | undefined;
    const load = async (): Promise<void> => {
      const response = await request(url, { signal: controller.signal });
      if (!response.ok) return;
      const picture = await response.blob();
      if (!controller.signal.aborted) setLoaded((shown = URL.createObjectURL(picture)));
    };
    // A picture that does not come leaves the one before it.
    load().catch(() => undefined);
    return () => {
      controller.abort();
      if (shown !== undefined) URL.revokeObjectURL(shown);
    };
  }, [url, request]);
  return request === undefined ? url : loaded;
}
