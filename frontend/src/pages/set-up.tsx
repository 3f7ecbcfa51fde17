/** What the capture page shows where browsers give it no camera: the way to https, and single pictures without it. */

import { useEffect, useId, useRef, useState, type ReactNode } from "react";
import { framesUrl, serverBase, watchPageUrl } from "../core/address.js";
import { idForName, type CaptureSettings } from "../core/capture/settings.js";
import { postPicture, shrinkPicture, type SendResult } from "../core/capture/single-picture.js";
import { deviceSystem } from "../core/device.js";
import { explain } from "../core/explain.js";
import { MAX_NAME_LENGTH } from "../core/limits.js";
import type { Words } from "../core/words/words.js";
import { isHandheld } from "../react/handheld.js";
import { Icon, ICONS } from "../react/icons.js";
import { useWords } from "../react/words.js";
import { usePhone } from "./use-phone.js";
import "./set-up.css";

const TRY_MS = 4000;
/** Names and a command, which are the same in every language. */
const TAILSCALE = ["Tailscale", "https://tailscale.com/kb/1312/serve"] as const;
const CERTBOT = ["certbot", "https://certbot.eff.org/"] as const;
const COMMAND = "skysentry-trio serve --phone";

export interface SetUpProps {
  readonly settings: CaptureSettings;
  /** The server's address with a signed link, if the page has one. */
  readonly serverUrl?: string | undefined;
  readonly onChange: (settings: CaptureSettings) => void;
}

export function SetUp({ settings, serverUrl, onChange }: SetUpProps) {
  const words = useWords();
  const { info } = usePhone();
  return (
    <main className="page-main page-main--set-up">
      <h2>{isHandheld() ? words.setUp.phone : words.setUp.device}</h2>
      <p className="set-up__why">{words.setUp.why}</p>
      {info === null ? null : info.https !== null ? (
        <SecureSteps https={info.https} selfSigned={info.selfSigned} />
      ) : (
        <>
          <Step title={words.setUp.noHttps}>
            <p>{words.setUp.command}</p>
            <pre>
              <code>{COMMAND}</code>
            </pre>
            <p>{words.setUp.otherAddress}</p>
          </Step>
          <SinglePicture settings={settings} serverUrl={serverUrl} onChange={onChange} />
        </>
      )}
      <Step title={words.setUp.other}>
        <p>
          {words.setUp.tailscale} <a href={TAILSCALE[1]}>{TAILSCALE[0]}</a>
        </p>
        <p>
          {words.setUp.domain} <a href={CERTBOT[1]}>{CERTBOT[0]}</a>
        </p>
        <p>{words.setUp.howTo}</p>
      </Step>
      <p>
        <a href="./">{words.state.watchInstead}</a>
      </p>
    </main>
  );
}

function Step(props: { title: string; number?: number; isDone?: boolean; children: ReactNode }) {
  const { title, number, isDone = false, children } = props;
  return (
    <section className="set-up__step" aria-label={title} data-done={isDone}>
      <h3>
        {number === undefined ? null : (
          <span className="set-up__number" aria-hidden="true">
            {isDone ? "✓" : number}
          </span>
        )}
        {title}
      </h3>
      {children}
    </section>
  );
}

function SecureSteps({ https, selfSigned }: { https: string; selfSigned: boolean }) {
  const words = useWords();
  const address = `${https}/capture`;
  const isTrusted = useTrust(https, `${address}${location.search}`);
  return (
    <>
      <Step title={words.setUp.openSecure} number={1} isDone={isTrusted}>
        <p>{selfSigned ? words.setUp.ownCertificate : words.setUp.hasHttps}</p>
        <a className="sky-button sky-button--primary set-up__button" href={`${address}${location.search}`}>
          {words.setUp.open(https)}
        </a>
        <p role="status" className="set-up__hint">
          {isTrusted ? words.setUp.trusted : selfSigned ? words.setUp.warning : ""}
        </p>
      </Step>
      {selfSigned ? (
        <Step title={words.setUp.trust} number={2} isDone={isTrusted}>
          <TrustSteps />
          <p className="set-up__hint">
            {words.setUp.fingerprint} <a href="./trust">{words.setUp.allSystems}</a>
          </p>
        </Step>
      ) : null}
    </>
  );
}

/**
 * Returns whether the browser takes the certificate, which it does not say; it fetches something from there. If it took
 * the certificate from the start, there is nothing to set up, and the page leads to `next`.
 */
function useTrust(https: string, next: string): boolean {
  const [isTrusted, setTrusted] = useState(false);
  useEffect(() => {
    if (isTrusted) return;
    let current = true;
    let isFirst = true;
    const attempt = async (): Promise<void> => {
      if (document.visibilityState !== "visible") return;
      const wasFirst = isFirst;
      isFirst = false;
      try {
        await fetch(`${https}/api/health`, { mode: "no-cors", cache: "no-store" });
      } catch {
        return;
      }
      if (!current) return;
      if (wasFirst) location.replace(next);
      else setTrusted(true);
    };
    void attempt();
    const timer = setInterval(() => void attempt(), TRY_MS);
    return () => {
      current = false;
      clearInterval(timer);
    };
  }, [https, next, isTrusted]);
  return isTrusted;
}

/** The steps for this system, from the server's page about trust. */
function TrustSteps() {
  const words = useWords();
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const asked = new AbortController();
    const system = deviceSystem(navigator);
    void loadTrustSteps(system, words.language, asked.signal).then((parts) => {
      if (!asked.signal.aborted) place.current?.replaceChildren(...parts);
    });
    return () => asked.abort();
  }, [words.language]);
  return <div ref={place} className="set-up__trust" />;
}

/** Returns the link to the file and the steps; nothing if the server has none. */
async function loadTrustSteps(system: string, language: string, signal: AbortSignal): Promise<Node[]> {
  try {
    const answer = await fetch("./trust", { headers: { "Accept-Language": language }, signal });
    if (!answer.ok) return [];
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const section = page.getElementById(system);
    const parts = [...(section?.children ?? [])].filter((part) => part.tagName !== "H2");
    for (const link of section?.querySelectorAll("a") ?? []) link.className = "sky-button set-up__button";
    return parts.map((part) => document.importNode(part, true));
  } catch {
    return [];
  }
}

type Progress = { readonly kind: "idle" } | { readonly kind: "sending" } | SendResult;

/** Pictures from the camera app, one at a time. */
function SinglePicture({ settings, serverUrl, onChange }: SetUpProps) {
  const words = useWords();
  const id = useId();
  const [progress, setProgress] = useState<Progress>({ kind: "idle" });
  const [shown, setShown] = useState<string | null>(null);
  const base = serverBase(serverUrl, location.href);
  useEffect(() => () => URL.revokeObjectURL(shown ?? ""), [shown]);
  const send = async (file: File): Promise<void> => {
    setProgress({ kind: "sending" });
    const jpeg = await shrinkPicture(file, settings.width, settings.quality);
    if (jpeg === null) {
      setProgress({ kind: "unreadable" });
      return;
    }
    setShown(URL.createObjectURL(jpeg));
    const url = new URL(framesUrl(base, settings.cameraId));
    const name = settings.name.trim();
    if (name !== "") url.searchParams.set("name", name);
    setProgress(await postPicture(url.href, jpeg));
  };
  const hasSent = progress.kind === "sent";
  return (
    <Step title={words.setUp.without}>
      <p>{words.setUp.single}</p>
      <div className="sky-field">
        <label htmlFor={`${id}-name`}>{words.form.name}</label>
        <input
          id={`${id}-name`}
          type="text"
          value={settings.name}
          maxLength={MAX_NAME_LENGTH}
          autoComplete="off"
          onChange={({ target: { value: name } }) => {
            // Viewers who have seen a picture know the camera by its id.
            const cameraId = hasSent ? null : idForName(settings, name);
            onChange(cameraId === null ? { ...settings, name } : { ...settings, name, cameraId });
          }}
        />
      </div>
      <label
        className="sky-button sky-button--primary set-up__button"
        data-busy={progress.kind === "sending"}
      >
        <Icon path={ICONS.camera} /> {hasSent ? words.setUp.takeAnother : words.setUp.take}
        <input
          type="file"
          className="sky-visually-hidden"
          accept="image/*"
          capture={settings.facing}
          disabled={progress.kind === "sending"}
          onChange={({ currentTarget }) => {
            const [file] = currentTarget.files ?? [];
            // Otherwise the same file could not be chosen again.
            if (file) void send(file).finally(() => (currentTarget.value = ""));
          }}
        />
      </label>
      <p role="status" className="set-up__result" data-result={progress.kind}>
        {describe(progress, words)}
      </p>
      {shown === null ? null : <img className="set-up__picture" src={shown} alt={words.setUp.lastPicture} />}
      {hasSent ? (
        <p>
          <a href={watchPageUrl(base, settings.cameraId)}>{words.setUp.watch}</a>
        </p>
      ) : null}
    </Step>
  );
}

function describe(progress: Progress, words: Words): string {
  switch (progress.kind) {
    case "idle":
      return "";
    case "sending":
      return words.setUp.sending;
    case "sent":
      return words.setUp.sent;
    case "unreadable":
      return words.setUp.unreadable;
    case "refused":
      return words.sending.frameRefused(words.refusals[progress.code] ?? progress.reason);
    case "failed": {
      if (progress.failure.kind === "server-gone") return words.setUp.unreachable;
      const { title, advice } = explain(progress.failure, words.failures);
      return `${title}. ${advice}`;
    }
  }
}
