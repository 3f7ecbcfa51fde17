/** What the parts of the page for administrators share. */

import { useCallback, useEffect, useId, useState, type ReactNode, type SubmitEvent } from "react";
import { ACTIONS, readTargets, type AdminApi } from "../core/admin.js";
import type { Actions } from "../core/rest.js";
import { useWords } from "../react/words.js";
import { QrCode } from "./phone-code.js";

/** What every part of this page gets. */
export interface AdminTools {
  readonly admin: AdminApi;
  /** Shows what went wrong. */
  readonly fail: (error: unknown) => void;
}

export function Card({ title, note, children }: { title: string; note?: string; children: ReactNode }) {
  return (
    <section className="admin-card" aria-label={title}>
      <h2>{title}</h2>
      {note === undefined ? null : <p className="sky-hint">{note}</p>}
      {children}
    </section>
  );
}

/** Loads a list now, on request, and again and again if `everyMs` is given. Null until it is loaded. */
export function useList<T>(
  load: () => Promise<T[]>,
  fail: (error: unknown) => void,
  everyMs?: number,
): [readonly T[] | null, () => void] {
  const [items, setItems] = useState<readonly T[] | null>(null);
  const reload = useCallback(() => {
    load().then(setItems, fail);
  }, [load, fail]);
  useEffect(() => {
    reload();
    if (everyMs === undefined) return;
    const timer = setInterval(() => {
      // A page in the background need not be up to date.
      if (document.visibilityState === "visible") reload();
    }, everyMs);
    return () => clearInterval(timer);
  }, [reload, everyMs]);
  return [items, reload];
}

/** The ids of the cameras to choose from; empty until they are loaded. */
export function useCameraIds({ admin, fail }: AdminTools): readonly string[] {
  const load = useCallback(() => admin.cameraIds(), [admin]);
  return useList(load, fail)[0] ?? [];
}

/** What is in a list: its name, something about it, and a button that ends it. */
export function Item(props: { name: string; children: ReactNode; end: SureButtonProps }) {
  const { name, children, end } = props;
  return (
    <li>
      <span className="admin-list__what">
        <strong>
          <bdi>{name}</bdi>
        </strong>{" "}
        <span className="page-count">{children}</span>
      </span>
      <SureButton {...end} />
    </li>
  );
}

/** A form that is folded until it is needed. `add` gets what was filled in, and the form. */
export function FoldedForm(props: {
  title: string;
  button: string;
  add: (fields: FormData, form: HTMLFormElement) => void;
  children: ReactNode;
}) {
  const { title, button, add, children } = props;
  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    add(new FormData(event.currentTarget), event.currentTarget);
  };
  return (
    <details className="sky-fold">
      <summary>{title}</summary>
      <form className="sky-form" aria-label={title} onSubmit={submit}>
        {children}
        <button type="submit" className="sky-button sky-button--primary">
          {button}
        </button>
      </form>
    </details>
  );
}

export function Field({ label, children }: { label: string; children: (id: string) => ReactNode }) {
  const id = useId();
  return (
    <div className="sky-field">
      <label htmlFor={id}>{label}</label>
      {children(id)}
    </div>
  );
}

/** The fields for rights in a form: actions, and the cameras that they are for. */
export function RightsFields({ cameras }: { cameras: readonly string[] }) {
  const words = useWords();
  const listId = useId();
  return (
    <>
      <fieldset className="admin-actions">
        <legend>{words.admin.may}</legend>
        {ACTIONS.map((action) => (
          <label key={action}>
            <input type="checkbox" name="action" value={action} defaultChecked={action === "view"} />{" "}
            {words.admin.actions[action]}
          </label>
        ))}
      </fieldset>
      <Field label={words.admin.cameras}>
        {(id) => (
          <>
            <input
              id={id}
              name="cameras"
              type="text"
              list={listId}
              placeholder={words.admin.camerasExample}
              autoCapitalize="none"
              spellCheck={false}
            />
            <datalist id={listId}>
              {cameras.map((camera) => (
                <option key={camera} value={camera} />
              ))}
            </datalist>
          </>
        )}
      </Field>
    </>
  );
}

/** Reads the fields of `RightsFields`. */
export function readRights(fields: FormData): Actions {
  const targets = readTargets(textOf(fields, "cameras"));
  const actions = fields.getAll("action").filter((action) => typeof action === "string");
  return Object.fromEntries(actions.map((action) => [action, action === "admin" ? ["*"] : targets]));
}

export function textOf(fields: FormData, name: string): string {
  const value = fields.get(name);
  return typeof value === "string" ? value.trim() : "";
}

/** Says what somebody may do, in one line. */
export function Rights({ allow }: { allow: Actions }) {
  const words = useWords();
  const named = ACTIONS.filter((action) => action in allow);
  if (named.includes("admin")) return words.admin.actions.admin;
  return (
    <>
      {named.map((action, index) => (
        <span key={action}>
          {index > 0 ? "; " : ""}
          {words.admin.actions[action]}:{" "}
          <bdi>{allow[action]?.includes("*") ? words.admin.allCameras : allow[action]?.join(", ")}</bdi>
        </span>
      ))}
    </>
  );
}

const HOUR = 3600;
const DURATIONS = [
  ["hour", HOUR],
  ["day", 24 * HOUR],
  ["month", 30 * 24 * HOUR],
  ["year", 365 * 24 * HOUR],
] as const;
/** The server makes no links that last longer. */
const LONGEST_LINK = 90 * 24 * HOUR;

/** `forLink`: a link ends in any case, and soon. */
export function ExpiryField({ forLink = false }: { forLink?: boolean }) {
  const words = useWords();
  return (
    <Field label={words.admin.endsAfter}>
      {(id) => (
        <select id={id} name="expires" defaultValue={forLink ? String(24 * HOUR) : ""}>
          {DURATIONS.filter(([, seconds]) => !forLink || seconds <= LONGEST_LINK).map(([name, seconds]) => (
            <option key={name} value={seconds}>
              {words.admin.durations[name]}
            </option>
          ))}
          {forLink ? null : <option value="">{words.admin.never}</option>}
        </select>
      )}
    </Field>
  );
}

/** Shows a secret once, with buttons that copy it and draw it as a QR code. */
export function Secret(props: { text: string; title: string; withCode?: boolean; onClose: () => void }) {
  const { text, title, withCode = false, onClose } = props;
  const words = useWords();
  const [said, setSaid] = useState("");
  return (
    <div className="admin-secret" role="group" aria-label={title}>
      <p role="status">{title}</p>
      <input
        className="admin-secret__text"
        type="text"
        readOnly
        value={text}
        aria-label={title}
        // eslint-disable-next-line jsx-a11y/no-autofocus -- the person has just asked for it
        autoFocus
        onFocus={(event) => event.currentTarget.select()}
      />
      <p className="page-actions">
        <button
          type="button"
          className="sky-button sky-button--primary"
          onClick={() =>
            void copy(text).then((done) => setSaid(done ? words.admin.copied : words.admin.noCopy))
          }
        >
          {words.admin.copy}
        </button>
        <button type="button" className="sky-button" onClick={onClose}>
          {words.admin.done}
        </button>
      </p>
      <p className="sky-hint" role="status">
        {said}
      </p>
      {withCode ? <QrCode text={text} /> : null}
    </div>
  );
}

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without https there is no clipboard.
    return false;
  }
}

interface SureButtonProps {
  readonly text: string;
  readonly label: string;
  readonly onSure: () => void;
}

/** A button that asks once more before it does something that cannot be undone. */
export function SureButton({ text, label, onSure }: SureButtonProps) {
  const words = useWords();
  const [asked, setAsked] = useState(false);
  return (
    <button
      type="button"
      className="sky-button"
      data-asked={asked}
      aria-label={asked ? `${words.admin.really} ${label}` : label}
      onBlur={() => setAsked(false)}
      onClick={() => {
        if (asked) onSure();
        setAsked(!asked);
      }}
    >
      {asked ? words.admin.really : text}
    </button>
  );
}
