import { now } from "../core/clock.js";
import { explain } from "../core/explain.js";
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

/**
 * Says that the server does not answer, or refuses this page, since when, and offers to try again. Renders nothing while
 * it answers.
 */
export function LostBanner({ viewer }: { viewer: Viewer }) {
  const words = useWords();
  const lostAt = useStore(viewer.snapshot, (snapshot) => snapshot.lostAt);
  const link = useStore(viewer.snapshot, (snapshot) => snapshot.link);
  const failure = useStore(viewer.snapshot, (snapshot) => snapshot.failure);
  const seen = useStore(viewer.snapshot, ({ cameras }) => cameras.some(({ width }) => width > 0));
  const why = failure && explain(failure, words.failures);
  // The first attempt to connect needs no words.
  const lost = lostAt !== null && link !== "connecting";
  return (
    <div role="status" className="sky-banner-slot">
      {lost || why ? (
        <p className="sky-banner" data-link={link}>
          {why ? (
            <span>
              <strong>{why.title}.</strong> {why.advice}
            </span>
          ) : (
            `${words.link.lostSince(words.format.clock(lostAt ?? now()))} ${seen ? words.link.lastPictures : ""}`
          )}
          {lost ? (
            <button type="button" className="sky-button" onClick={() => viewer.controls?.retry()}>
              {words.link.retry}
            </button>
          ) : null}
        </p>
      ) : null}
      {link === "polling" || link === "refused" ? (
        <p className="sky-banner" data-link={link}>
          {link === "polling" ? words.link.polling : words.link.refused}
        </p>
      ) : null}
    </div>
  );
}

/** Explains why the server does not serve this page; renders nothing while it does, or the reason is unknown. */
export function FailureNotice({ viewer }: { viewer: Viewer }) {
  const words = useWords();
  const failure = useStore(viewer.snapshot, (snapshot) => snapshot.failure);
  const why = failure && explain(failure, words.failures);
  return (
    <div role="status" className="sky-notice-slot">
      {why ? (
        <div className="sky-notice sky-notice--bad">
          <p className="sky-notice__title">{why.title}</p>
          <p>{why.advice}</p>
        </div>
      ) : null}
    </div>
  );
}

/** Explains a problem with the connection, if there is one. */
export function LinkNotice({ link }: { link: ViewerLink }) {
  const words = useWords();
  const notices: Partial<Record<ViewerLink, string>> = {
    polling: words.link.polling,
    unreachable: words.link.unreachable,
    refused: words.link.refused,
  };
  const notice = notices[link] ?? "";
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
