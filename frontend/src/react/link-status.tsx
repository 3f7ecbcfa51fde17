import type { ViewerLink } from "../core/viewer/snapshot.js";
import { formatClock } from "./format.js";
import { useStore } from "./use-store.js";
import type { Viewer } from "./use-viewer.js";

const TEXT: Record<ViewerLink, { status: string; notice: string }> = {
  connecting: { status: "Connecting", notice: "" },
  live: { status: "Connected", notice: "" },
  polling: {
    status: "Fallback",
    notice:
      "There is no live connection. Until there is one, a few pictures a second arrive over plain HTTP.",
  },
  unreachable: {
    status: "Server unreachable",
    notice:
      "The server does not answer. The pictures below are the last ones. This page keeps trying to connect.",
  },
  stopped: { status: "Stopped", notice: "" },
};

/** Shows the state of the connection in one or two words. */
export function LinkStatus({ link }: { link: ViewerLink }) {
  return (
    <span className="sky-link" data-link={link} role="status">
      {TEXT[link].status}
    </span>
  );
}

/** Says that the server does not answer, since when, and offers to try again. Renders nothing while it answers. */
export function LostBanner({ viewer }: { viewer: Viewer }) {
  const lostAt = useStore(viewer.snapshot, (snapshot) => snapshot.lostAt);
  const link = useStore(viewer.snapshot, (snapshot) => snapshot.link);
  // The first attempt to connect needs no words.
  const lost = lostAt !== null && link !== "connecting";
  return (
    <div role="status" className="sky-banner-slot">
      {lost ? (
        <p className="sky-banner" data-link={link}>
          No connection since {formatClock(lostAt)}. The pictures are the last ones.
          <button type="button" className="sky-button" onClick={() => viewer.controls?.retry()}>
            Retry now
          </button>
        </p>
      ) : null}
      {link === "polling" ? (
        <p className="sky-banner" data-link={link}>
          {TEXT.polling.notice}
        </p>
      ) : null}
    </div>
  );
}

/** Explains a problem with the connection, if there is one. */
export function LinkNotice({ link }: { link: ViewerLink }) {
  const { notice } = TEXT[link];
  return (
    <div role="status" className="sky-notice-slot">
      {notice === "" ? null : (
        <p className="sky-notice" data-link={link}>
          {notice}
        </p>
      )}
    </div>
  );
}
