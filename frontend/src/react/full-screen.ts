/** The full screen, where the browser has one. iPhones have none. */

import { useSyncExternalStore } from "react";

/** The whole page goes to the full screen, so that it stays there when another camera is opened. */
export function canFullScreen(): boolean {
  return typeof (document.documentElement as Partial<HTMLElement>).requestFullscreen === "function";
}

export function toggleFullScreen(): void {
  if (!canFullScreen()) return;
  if (document.fullscreenElement) void document.exitFullscreen();
  // The browser may refuse, for example inside a frame of another page.
  else document.documentElement.requestFullscreen().catch(() => undefined);
}

export function useFullScreen(): boolean {
  return useSyncExternalStore(subscribe, isFull, isFull);
}

function subscribe(changed: () => void): () => void {
  document.addEventListener("fullscreenchange", changed);
  return () => document.removeEventListener("fullscreenchange", changed);
}

function isFull(): boolean {
  return Boolean(document.fullscreenElement);
}
