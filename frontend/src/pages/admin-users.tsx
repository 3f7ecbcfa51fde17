import { useCallback } from "react";
import { useWords } from "../react/words.js";
import {
  Card,
  Field,
  FoldedForm,
  Item,
  readRights,
  Rights,
  RightsFields,
  textOf,
  useCameraIds,
  useList,
  type AdminTools,
} from "./admin-parts.js";

const SHORTEST_PASSWORD = 8;

/** People with a password. */
export function AdminUsers({ admin, fail }: AdminTools) {
  const words = useWords();
  const load = useCallback(() => admin.users(), [admin]);
  const [users, reload] = useList(load, fail);
  const cameras = useCameraIds({ admin, fail });
  const add = (fields: FormData, form: HTMLFormElement): void => {
    // A password may begin and end with a space.
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
          <Item
            key={name}
            name={name}
            end={{
              text: words.admin.remove,
              label: words.admin.removePerson(name),
              onSure: () => void admin.removeUser(name).then(reload, fail),
            }}
          >
            <Rights allow={allow} />
          </Item>
        ))}
      </ul>
      <FoldedForm title={words.admin.newPerson} button={words.admin.addPerson} add={add}>
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
        <RightsFields cameras={cameras} />
      </FoldedForm>
    </Card>
  );
}
