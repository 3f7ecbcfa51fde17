/** What kind of device a browser runs on. */

export type DeviceSystem = "ios" | "android" | "windows" | "macos" | "linux";

export interface BrowserNames {
  readonly userAgent: string;
  /** iPads say that they are Macs, but no Mac has a touch screen. */
  readonly maxTouchPoints?: number;
}

export function isAppleHandheld({ userAgent, maxTouchPoints = 0 }: BrowserNames): boolean {
  return /iPhone|iPad|iPod/.test(userAgent) || (userAgent.includes("Macintosh") && maxTouchPoints > 1);
}

export function deviceSystem(browser: BrowserNames): DeviceSystem {
  const { userAgent } = browser;
  if (isAppleHandheld(browser)) return "ios";
  if (userAgent.includes("Android")) return "android";
  if (userAgent.includes("Windows")) return "windows";
  return userAgent.includes("Macintosh") ? "macos" : "linux";
}
