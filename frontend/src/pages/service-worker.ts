/** The service worker of the pages: opens them from the cache while the server cannot be reached. */

import { PageCache, type Build } from "./page-cache.js";

/** Written in by the build. */
declare const __BUILD__: Build;

interface LifeEvent extends Event {
  waitUntil(done: Promise<unknown>): void;
}
interface AskEvent extends Event {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}
const scope = self as unknown as {
  readonly registration: { readonly scope: string };
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: "install" | "activate", listener: (event: LifeEvent) => void): void;
  addEventListener(type: "fetch", listener: (event: AskEvent) => void): void;
};

const pages = new PageCache(scope.registration.scope, __BUILD__, caches, (...asked) => fetch(...asked));

scope.addEventListener("install", (event) => {
  // Pages of the build before still find their assets, so nothing has to wait until they are closed.
  event.waitUntil(pages.fill().then(() => scope.skipWaiting()));
});
scope.addEventListener("activate", (event) => {
  event.waitUntil(pages.forgetOldBuilds().then(() => scope.clients.claim()));
});
scope.addEventListener("fetch", (event) => {
  const answer = pages.answer(event.request);
  if (answer !== null) event.respondWith(answer);
});
