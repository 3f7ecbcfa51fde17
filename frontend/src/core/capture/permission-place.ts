/** Finds out where a browser lets a person allow the camera, after the camera was refused. */

import { isAppleHandheld, type BrowserNames } from "../device.js";

export type PermissionPlace =
  | "apple-settings"
  | "apple-page"
  | "firefox-phone"
  | "firefox"
  | "chrome-phone"
  | "chrome"
  | "safari"
  | "other";

export function permissionPlace(browser: BrowserNames): PermissionPlace {
  const { userAgent } = browser;
  if (isAppleHandheld(browser)) return /CriOS|FxiOS|EdgiOS/.test(userAgent) ? "apple-settings" : "apple-page";
  const isAndroid = userAgent.includes("Android");
  if (userAgent.includes("Firefox/")) return isAndroid ? "firefox-phone" : "firefox";
  if (/Chrome\/|Chromium\//.test(userAgent)) return isAndroid ? "chrome-phone" : "chrome";
  return userAgent.includes("Safari/") ? "safari" : "other";
}
