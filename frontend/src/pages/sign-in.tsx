/** The sign-in page. The server also sends it, with status 401, in place of a page that needs a signed-in person. */

import { useEffect, useId, useRef, useState, type SubmitEvent, type ReactNode } from "react";
import { AccessApi, RequestError, type SessionInfo } from "../core/rest.js";
import { useWords } from "../react/words.js";
import type { Words } from "../core/words/words.js";
import { isSignInPage, pageAfterSignIn } from "./page-access.js";
import { mount, PageHead } from "./shell.js";
import "./sign-in-page.css";

/** With which the person signs in. */
type Way = "password" | "key";

const here = new URL(location.href);
const api = new AccessApi(new URL("./", document.baseURI));

function SignInPage() {
  const words = useWords();
  useEffect(() => {
    document.title = words.signIn.pageTitle;
  }, [words]);
  const [session, setSession] = useState<SessionInfo | null>(null);
  useEffect(() => {
    // Nobody needs to sign in at a server that is open, or twice.
    api.session().then(setSession, () => undefined);
  }, []);
  return (
    <>
      <PageHead current="sign-in" />
      <main className="page-main page-main--sign-in">
        {session !== null && isSignInPage(here.pathname) ? <SignedIn session={session} /> : <SignInForm />}
      </main>
    </>
  );
}

function SignInForm() {
  const words = useWords();
  const [way, setWay] = useState<Way>("password");
  const [trouble, setTrouble] = useState(here.searchParams.has("link") ? words.signIn.linkEnded : "");
  const [busy, setBusy] = useState(false);
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const text = (name: string): string => {
      const value = fields.get(name);
      return typeof value === "string" ? value : "";
    };
    setBusy(true);
    setTrouble("");
    api
      .signIn(
        way === "key"
          ? { key: text("password").trim() }
          : { user: text("username").trim(), password: text("password") },
      )
      .then(proceed, (error: unknown) => {
        setBusy(false);
        setTrouble(explain(error, way, words));
      });
  };
  return (
    <form className="page-card sky-form" aria-label={words.signIn.title} onSubmit={submit}>
      <h2>{words.signIn.title}</h2>
      {way === "password" ? (
        <Field label={words.signIn.user}>
          {(id) => (
            <input
              id={id}
              name="username"
              type="text"
              autoComplete="username"
              autoCapitalize="none"
              spellCheck={false}
              required
              // eslint-disable-next-line jsx-a11y/no-autofocus -- the only purpose of this page
              autoFocus
            />
          )}
        </Field>
      ) : null}
      <Secret key={way} way={way} isWrong={trouble !== ""} />
      <p className="sky-hint sky-hint--bad" role="alert">
        {trouble}
      </p>
      <button type="submit" className="sky-button sky-button--primary" disabled={busy}>
        {busy ? words.signIn.busy : words.signIn.submit}
      </button>
      <button
        type="button"
        className="page-link"
        onClick={() => {
          setTrouble("");
          setWay(way === "key" ? "password" : "key");
        }}
      >
        {way === "key" ? words.signIn.usePassword : words.signIn.useKey}
      </button>
    </form>
  );
}

/** The field for the password or the key, with a button that shows what was typed. */
function Secret({ way, isWrong }: { way: Way; isWrong: boolean }) {
  const words = useWords();
  const [shown, setShown] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (way === "key") input.current?.focus();
  }, [way]);
  useEffect(() => {
    if (isWrong) input.current?.select();
  }, [isWrong]);
  return (
    <Field label={way === "key" ? words.signIn.key : words.signIn.password}>
      {(id) => (
        <span className="page-secret">
          <input
            ref={input}
            id={id}
            name="password"
            type={shown ? "text" : "password"}
            autoComplete="current-password"
            autoCapitalize="none"
            spellCheck={false}
            required
            aria-invalid={isWrong}
          />
          <button type="button" className="sky-button" aria-pressed={shown} onClick={() => setShown(!shown)}>
            {shown ? words.signIn.hide : words.signIn.show}
          </button>
        </span>
      )}
    </Field>
  );
}

function Field({ label, children }: { label: string; children: (id: string) => ReactNode }) {
  const id = useId();
  return (
    <div className="sky-field">
      <label htmlFor={id}>{label}</label>
      {children(id)}
    </div>
  );
}

function SignedIn({ session }: { session: SessionInfo }) {
  const words = useWords();
  const next = pageAfterSignIn(here.searchParams.get("next"), here.href);
  return (
    <section className="page-card">
      <h2>{session.open ? words.signIn.isOpen : words.signIn.signedIn(session.name)}</h2>
      <p>{session.open ? words.signIn.isOpenHint : words.signIn.signedInHint}</p>
      <p className="page-actions">
        <a className="sky-button sky-button--primary" href={next}>
          {words.signIn.next}
        </a>
        {session.open ? null : (
          <button
            type="button"
            className="sky-button"
            onClick={() => void api.signOut().finally(() => location.reload())}
          >
            {words.signIn.signOut}
          </button>
        )}
      </p>
    </section>
  );
}

function explain(error: unknown, way: Way, words: Words): string {
  if (!(error instanceof RequestError)) return words.signIn.failed;
  const { status, reason, retryAfter } = error;
  if (status === 0) return words.signIn.unreachable;
  if (status === 401 || status === 403)
    return way === "key" ? words.signIn.wrongKey : words.signIn.wrongPassword;
  if (status === 429 || status === 503)
    return retryAfter === null ? words.signIn.tooMany : words.signIn.tooManyFor(Math.ceil(retryAfter));
  return reason === "" ? words.signIn.status(status) : words.signIn.says(reason);
}

function proceed(): void {
  if (isSignInPage(here.pathname))
    location.replace(pageAfterSignIn(here.searchParams.get("next"), here.href));
  else {
    // The server has sent this page in place of the one at this address.
    here.searchParams.delete("link");
    location.replace(here.href);
  }
}

void mount(<SignInPage />);
