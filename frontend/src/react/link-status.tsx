import type { ViewerLink } from "../core/viewer/snapshot.js";

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
