import type { ViewerLink } from "../core/viewer/snapshot.js";

const WORDS: Record<ViewerLink, { short: string; long: string }> = {
  connecting: { short: "Connecting", long: "" },
  live: { short: "Connected", long: "" },
  polling: {
    short: "Fallback",
    long: "The live connection cannot be had. Showing a few pictures a second by plain HTTP until it is back.",
  },
  unreachable: {
    short: "Server unreachable",
    long: "The server does not answer. The pictures below are the last ones; this page keeps trying.",
  },
  stopped: { short: "Stopped", long: "" },
};

/** How the page is connected, in one or two words. */
export function LinkStatus({ link }: { link: ViewerLink }) {
  return (
    <span className="sky-link" data-link={link} role="status">
      {WORDS[link].short}
    </span>
  );
}

/** What is wrong with the connection, if anything is. */
export function LinkNotice({ link }: { link: ViewerLink }) {
  const { long } = WORDS[link];
  return (
    <div role="status" className="sky-notice-slot">
      {long === "" ? null : (
        <p className="sky-notice" data-link={link}>
          {long}
        </p>
      )}
    </div>
  );
}
