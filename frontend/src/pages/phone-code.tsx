import { useEffect, useRef, useState } from "react";
import { writeAddress, type CaptureSettings } from "../core/capture/settings.js";
import { Icon, ICONS } from "../react/icons.js";
import { useWords } from "../react/words.js";

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
      {open ? (
        <>
          <QrCode text={address} />
          <p className="page-address">
            <a href={address}>{address}</a>
          </p>
          <PhoneAdvice />
        </>
      ) : null}
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

/** Says whether a phone can use the address of this page. */
export function PhoneAdvice() {
  const words = useWords();
  if (["localhost", "127.0.0.1", "[::1]"].includes(location.hostname)) {
    return <p>{words.code.thisMachine(location.hostname)}</p>;
  }
  if (location.protocol !== "https:") {
    return <p>{words.code.insecure}</p>;
  }
  return <p>{words.code.scan}</p>;
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
