/** Runs a viewer on a page: a session, a painter for its frames, and a pause while the page is hidden. */

import { Painter } from "./painter.js";
import { ViewerSession, type ViewerOptions } from "./session.js";

export interface MountedViewer {
  readonly session: ViewerSession;
  readonly painter: Painter;
  /** Closes the connection and all surfaces. */
  readonly unmount: () => void;
}

/**
 * Connects to the server and paints every frame whose camera has a surface. Throws TypeError if the address is not
 * valid.
 */
export function mountViewer(options: ViewerOptions = {}): MountedViewer {
  const session = new ViewerSession(options);
  const painter = new Painter(session);
  session.showOn(painter);
  const pauseWhileHidden = (): void => session.setPaused(document.visibilityState === "hidden");
  pauseWhileHidden();
  document.addEventListener("visibilitychange", pauseWhileHidden);
  session.start();
  return {
    session,
    painter,
    unmount() {
      document.removeEventListener("visibilitychange", pauseWhileHidden);
      session.stop();
      painter.close();
    },
  };
}
