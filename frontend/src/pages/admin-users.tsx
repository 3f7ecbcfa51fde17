import { useCallback, type SubmitEvent } from "react";
import { useWords } from "../react/words.js";
import {
  Card,
  Field,
  readRights,
  Rights,
  RightsFields,
  SureButton,
  textOf,
  useList,
  type AdminTools,
} from "./admin-parts.js";

const SHORTEST_PASSWORD = 8;

/** People with a password. */
export function AdminUsers({ admin, fail }: AdminTools) {
  const words = useWords();
  const load = useCallback(() => admin.users(), [admin]);
  const loadCameras = useCallback(() => admin.cameraIds(), [admin]);
  const [users, reload] = useList(load, fail);
  const [cameras] = useList(loadCameras, fail);
  const add = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = event.currentTarget;
    const fields = new FormData(form);
    const password = fields.get("password");
    admin
      .addUser(textOf(fields, "user"), typeof password === "string" ? password : "", readRights(fields))
      .then(() => {
        form.reset();
        reload();
      }, fail);
  };
  return (
    <Card title={words.admin.people} note={words.admin.peopleHint}>
      <ul className="admin-list">
        {users?.map(({ name, allow }) => (
          <li key={name}>
            <span className="admin-list__what">
              <strong>
                <bdi>{name}</bdi>
              </strong>{" "}
              <span className="page-count">
                <Rights allow={allow} />
              </span>
            </span>
            <SureButton
              text={words.admin.remove}
              label={words.admin.removePerson(name)}
              onSure={() => void admin.removeUser(name).then(reload, fail)}
            />
          </li>
        ))}
      </ul>
      <details className="sky-fold">
        <summary>{words.admin.newPerson}</summary>
        <form className="sky-form" aria-label={words.admin.newPerson} onSubmit={add}>
          <Field label={words.signIn.user}>
            {(id) => (
              <input
                id={id}
                name="user"
                type="text"
                required
                maxLength={64}
                autoComplete="off"
                autoCapitalize="none"
                spellCheck={false}
              />
            )}
          </Field>
          <Field label={words.signIn.password}>
            {(id) => (
              <input
                id={id}
                name="password"
                type="password"
                required
                minLength={SHORTEST_PASSWORD}
                autoComplete="new-password"
              />
            )}
          </Field>
          <RightsFields cameras={cameras ?? []} />
          <button type="submit" className="sky-button sky-button--primary">
            {words.admin.addPerson}
          </button>
        </form>
      </details>
    </Card>
  );
}
