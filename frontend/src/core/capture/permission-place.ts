/** Finds out where a browser lets a person allow the camera, after the camera was refused. */

export type PermissionPlace =
  | "apple-settings"
  | "apple-page"
  | "firefox-phone"
  | "firefox"
  | "chrome-phone"
  | "chrome"
  | "safari"
  | "other";

interface Browser {
  readonly userAgent: string;
  /** iPads say that they are Macs, but no Mac has a touch screen. */
  readonly maxTouchPoints?: number;
}

export function permissionPlace({ userAgent, maxTouchPoints = 0 }: Browser): PermissionPlace {
  const isApple =
    /iPhone|iPad|iPod/.test(userAgent) || (userAgent.includes("Macintosh") && maxTouchPoints > 1);
  if (isApple) return /CriOS|FxiOS|EdgiOS/.test(userAgent) ? "apple-settings" : "apple-page";
  const isAndroid = userAgent.includes("Android");
  if (userAgent.includes("Firefox/")) return isAndroid ? "firefox-phone" : "firefox";
  if (/Chrome\/|Chromium\//.test(userAgent)) return isAndroid ? "chrome-phone" : "chrome";
  return userAgent.includes("Safari/") ? "safari" : "other";
}
