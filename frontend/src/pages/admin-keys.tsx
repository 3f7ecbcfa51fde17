import { useCallback, useState, type SubmitEvent } from "react";
import { useWords } from "../react/words.js";
import {
  Card,
  ExpiryField,
  Field,
  readRights,
  Rights,
  RightsFields,
  Secret,
  SureButton,
  textOf,
  useList,
  type AdminTools,
} from "./admin-parts.js";

/** The keys: a list, a form for a new one, and the new one, which is shown once. */
export function AdminKeys({ admin, fail }: AdminTools) {
  const words = useWords();
  const load = useCallback(() => admin.keys(), [admin]);
  const loadCameras = useCallback(() => admin.cameraIds(), [admin]);
  const [keys, reload] = useList(load, fail);
  const [cameras] = useList(loadCameras, fail);
  const [made, setMade] = useState<string | null>(null);
  const add = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = event.currentTarget;
    const fields = new FormData(form);
    const expires = textOf(fields, "expires");
    admin
      .addKey(
        textOf(fields, "name"),
        readRights(fields),
        expires === "" ? null : Date.now() + 1000 * Number(expires),
      )
      .then(({ key }) => {
        setMade(key);
        form.reset();
        reload();
      }, fail);
  };
  return (
    <Card title={words.admin.keys} note={words.admin.keysHint}>
      {made === null ? null : (
        <Secret text={made} title={words.admin.keyMade} onClose={() => setMade(null)} />
      )}
      <ul className="admin-list">
        {keys?.map(({ id, name, allow, expiresAt }) => (
          <li key={id}>
            <span className="admin-list__what">
              <strong>
                <bdi>{name}</bdi>
              </strong>{" "}
              <span className="page-count">
                <Rights allow={allow} />
                {expiresAt === null ? null : `, ${words.admin.until(words.format.dateTime(expiresAt))}`}
              </span>
            </span>
            <SureButton
              text={words.admin.revoke}
              label={words.admin.revokeKey(name)}
              onSure={() => void admin.revokeKey(id).then(reload, fail)}
            />
          </li>
        ))}
      </ul>
      <details className="sky-fold">
        <summary>{words.admin.newKey}</summary>
        <form className="sky-form" aria-label={words.admin.newKey} onSubmit={add}>
          <Field label={words.admin.name}>
            {(id) => (
              <input
                id={id}
                name="name"
                type="text"
                required
                maxLength={80}
                placeholder={words.admin.nameExample}
              />
            )}
          </Field>
          <RightsFields cameras={cameras ?? []} />
          <ExpiryField />
          <button type="submit" className="sky-button sky-button--primary">
            {words.admin.makeKey}
          </button>
        </form>
      </details>
    </Card>
  );
}
