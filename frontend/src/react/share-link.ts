/** Hands a link to the system's share sheet, or copies it. */

import { isHandheld } from "./handheld.js";

/** Returns what has happened, in words for the person: `copied` if the link was copied. */
export async function shareLink(href: string, title: string, copied: string): Promise<string> {
  const url = new URL(href, location.href).href;
  const { share, clipboard } = navigator as Partial<Navigator>;
  try {
    // A desktop's share sheet is slower than a copy.
    if (share && isHandheld()) {
      await share.call(navigator, { title, url });
      return "";
    }
    if (!clipboard) return url;
    await clipboard.writeText(url);
    return copied;
  } catch {
    // The person has closed the sheet, or the browser allows no copy on a page without https.
    return url;
  }
}
