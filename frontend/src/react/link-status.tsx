import type { ViewerLink } from "../core/viewer/snapshot.js";
import { useStore } from "./use-store.js";
import type { Viewer } from "./use-viewer.js";
import { useWords } from "./words.js";

/** Shows the state of the connection in one or two words. */
export function LinkStatus({ link }: { link: ViewerLink }) {
  const words = useWords();
  return (
    <span className="sky-link" data-link={link} role="status">
      {words.link.states[link]}
    </span>
  );
}

/** Says that the server does not answer, since when, and offers to try again. Renders nothing while it answers. */
export function LostBanner({ viewer }: { viewer: Viewer }) {
  const words = useWords();
  const lostAt = useStore(viewer.snapshot, (snapshot) => snapshot.lostAt);
  const link = useStore(viewer.snapshot, (snapshot) => snapshot.link);
  // The first attempt to connect needs no words.
  const lost = lostAt !== null && link !== "connecting";
  return (
    <div role="status" className="sky-banner-slot">
      {lost ? (
        <p className="sky-banner" data-link={link}>
          {words.link.lostSince(words.format.clock(lostAt))}
          <button type="button" className="sky-button" onClick={() => viewer.controls?.retry()}>
            {words.link.retry}
          </button>
        </p>
      ) : null}
      {link === "polling" ? (
        <p className="sky-banner" data-link={link}>
          {words.link.polling}
        </p>
      ) : null}
    </div>
  );
}

/** Explains a problem with the connection, if there is one. */
export function LinkNotice({ link }: { link: ViewerLink }) {
  const words = useWords();
  const notice = { polling: words.link.polling, unreachable: words.link.unreachable }[link as string] ?? "";
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
