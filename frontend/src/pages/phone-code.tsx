import { useEffect, useRef, useState } from "react";
import { writeAddress, type CaptureSettings } from "../core/capture/settings.js";
import type { PhoneCodeInfo } from "../core/phone.js";
import { Icon, ICONS } from "../react/icons.js";
import { useCountdown } from "../react/use-countdown.js";
import { useWords } from "../react/words.js";
import type { Phone } from "./use-phone.js";

/** The code of a server that was started for phones. */
export function PhoneCard({ code, renew }: { code: PhoneCodeInfo; renew: Phone["renew"] }) {
  const words = useWords();
  return (
    <details className="page-panel page-phone page-phone--card" open>
      <summary>
        <Icon path={ICONS.phone} /> {words.code.phone}
      </summary>
      <ServerCode code={code} renew={renew} />
    </details>
  );
}

/** The code that the server also prints in its terminal, and how long it counts. */
export function ServerCode({ code, renew }: { code: PhoneCodeInfo; renew: Phone["renew"] }) {
  const words = useWords();
  const [failed, setFailed] = useState(false);
  const seconds = useCountdown(code.expiresAt);
  const isOver = code.state !== "waiting" || (code.expiresAt !== null && seconds === 0);
  if (!isOver) {
    const left = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    return (
      <div className="page-code" data-code="waiting">
        <QrCode text={code.url} />
        <div>
          <p>{words.phoneCode.scan}</p>
          {code.expiresAt === null ? null : <p role="timer">{words.phoneCode.left(left)}</p>}
          {/* Without the link, which nobody can type, and which a click on this machine would use up. */}
          <p className="page-address">
            <code>{code.url.split("?")[0]}</code>
          </p>
        </div>
      </div>
    );
  }
  const used = code.state === "used";
  return (
    <div data-code={used ? "used" : "expired"}>
      <p role="status">
        {used ? words.phoneCode.used : words.phoneCode.expired} {words.phoneCode.again}
      </p>
      <p>
        <button
          type="button"
          className="sky-button"
          onClick={() => void renew().then((done) => setFailed(!done))}
        >
          {words.phoneCode.renew}
        </button>
      </p>
      {failed ? <p role="alert">{words.phoneCode.failed}</p> : null}
    </div>
  );
}

/** A QR code that opens this page on a phone, with the same settings and another id. */
export function PhoneCode({ settings }: { settings: CaptureSettings }) {
  const words = useWords();
  const [open, setOpen] = useState(false);
  // Without the id: with the same id, the phone and the computer would take the camera over from each other again and
  // again.
  const query = writeAddress({ ...settings, deviceId: "" }, { withId: false, autostart: false });
  const address = `${location.origin}${location.pathname}${query === "" ? "" : `?${query}`}`;
  return (
    <details className="page-phone" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Icon path={ICONS.phone} /> {words.code.phone}
      </summary>
      {open ? <PageCode address={address} /> : null}
    </details>
  );
}

/** A QR code that is drawn only when it is asked for. */
export function FoldedCode({ title, text }: { title: string; text: string }) {
  const [open, setOpen] = useState(false);
  return (
    <details className="sky-fold" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{title}</summary>
      {open ? <QrCode text={text} /> : null}
    </details>
  );
}

/** The code of an address of this server. No code leads a phone to this machine itself, so the way to one is shown. */
export function PageCode({ address }: { address: string }) {
  const words = useWords();
  if (["localhost", "127.0.0.1", "[::1]"].includes(location.hostname))
    return <p>{words.code.thisMachine(location.hostname)}</p>;
  return (
    <>
      <QrCode text={address} />
      <p className="page-address">
        <a href={address}>{address}</a>
      </p>
      <p>{location.protocol === "https:" ? words.code.scan : words.code.insecure}</p>
    </>
  );
}

/** Draws a QR code, whose library is loaded only now. */
export function QrCode({ text }: { text: string }) {
  const words = useWords();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let current = true;
    // Loaded only when the code is shown.
    import("lean-qr").then(
      ({ generate }) => {
        if (current && canvas.current)
          generate(text).toCanvas(canvas.current, { pad: 4, off: [255, 255, 255, 255] });
      },
      () => setFailed(true),
    );
    return () => {
      current = false;
    };
  }, [text]);
  if (failed) return <p>{words.code.failed}</p>;
  return (
    <div role="img" aria-label={words.code.of(text)}>
      <canvas ref={canvas} className="page-qr" />
    </div>
  );
}
