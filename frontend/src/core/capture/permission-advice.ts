/** Says where a browser lets a person allow the camera, after the camera was refused. */

const CONTINUES = "This page then continues by itself.";

interface Browser {
  readonly userAgent: string;
  /** iPads say that they are Macs, but no Mac has a touch screen. */
  readonly maxTouchPoints?: number;
}

export function permissionAdvice({ userAgent, maxTouchPoints = 0 }: Browser): string {
  const isApple =
    /iPhone|iPad|iPod/.test(userAgent) || (userAgent.includes("Macintosh") && maxTouchPoints > 1);
  if (isApple) {
    if (/CriOS|FxiOS|EdgiOS/.test(userAgent))
      return `Open the Settings app, choose this browser and switch Camera on. ${CONTINUES}`;
    return `Tap the page menu beside the address, choose Website Settings, and set Camera to Allow. ${CONTINUES}`;
  }
  const isAndroid = userAgent.includes("Android");
  if (userAgent.includes("Firefox/")) {
    return isAndroid
      ? `Tap the lock beside the address and allow the camera. If it is blocked there, allow it for Firefox in Android’s settings. ${CONTINUES}`
      : `Click the crossed-out camera beside the address and remove the block. ${CONTINUES}`;
  }
  if (/Chrome\/|Chromium\//.test(userAgent)) {
    return isAndroid
      ? `Tap the symbol before the address, choose Permissions, and allow the camera. If it is not listed, allow it for the browser in Android’s settings. ${CONTINUES}`
      : `Click the symbol before the address and switch Camera on. ${CONTINUES}`;
  }
  if (userAgent.includes("Safari/"))
    return `Open the menu Safari, choose Settings for this website, and set Camera to Allow. ${CONTINUES}`;
  return `Open the site settings beside the address and allow the camera. ${CONTINUES}`;
}
