/** Lets the browser keep the pages, so that they open from the home screen while the server cannot be reached. */

/** Beside the pages, so that it serves all of them, also below a path prefix of a proxy. */
const SCRIPT = "./service-worker.js";
/** The first pictures, which the person waits for, come before the files that are kept. */
const AFTER_MS = 2000;

/** Does nothing where a page is not on its own: in a frame, at an address that is not secure, or in development. */
export function keepPages(): void {
  const workers = (navigator as Partial<Navigator>).serviceWorker;
  if (!import.meta.env.PROD || !isSecureContext || !workers || window.top !== window) return;
  const register = (): void => {
    // Browsers refuse this where they may store nothing, or after a click through a warning of the certificate. The
    // pages then open as long as the server answers.
    workers.register(SCRIPT).catch(() => undefined);
  };
  const registerLater = (): void => void setTimeout(register, AFTER_MS);
  if (document.readyState === "complete") registerLater();
  else window.addEventListener("load", registerLater, { once: true });
}
