import { useState, type ReactNode } from "react";
import { IconButton } from "./icon-button.js";
import { isHandheld } from "./handheld.js";
import { shareLink } from "./share-link.js";
import { useWords } from "./words.js";

export interface WatchLinkProps {
  /** The page that shows the camera. */
  readonly address: string;
  readonly isLive: boolean;
  /** More content below the link, for example a QR code of it. */
  readonly children?: ((address: string) => ReactNode) | undefined;
}

const THIS_MACHINE = ["localhost", "127.0.0.1", "[::1]"];

/** The link at which others see the camera. */
export function WatchLink({ address, isLive, children }: WatchLinkProps) {
  const words = useWords();
  const [answer, setAnswer] = useState("");
  const { hostname } = new URL(address);
  const share = (): void => {
    void shareLink(address, words.watch.share, words.camera.linkCopied).then((said) =>
      setAnswer(said === address ? words.watch.noCopy : said),
    );
  };
  return (
    <div className="sky-watch">
      <h2 className="sky-panel__title">{words.watch.title}</h2>
      <p className="sky-watch__address">
        {/* A new tab, because this page must stay open to send. */}
        <a href={address} target="_blank" rel="noreferrer">
          {address}
        </a>
      </p>
      <IconButton
        icon={isHandheld() ? "link" : "copy"}
        label={isHandheld() ? words.watch.send : words.watch.copy}
        labelShown
        onClick={share}
      />
      <p className="sky-hint" role="status">
        {answer}
      </p>
      {THIS_MACHINE.includes(hostname) ? (
        <p className="sky-hint">{words.watch.thisMachine(hostname)}</p>
      ) : null}
      {isLive ? null : <p className="sky-hint">{words.watch.notLive}</p>}
      {children?.(address)}
    </div>
  );
}
