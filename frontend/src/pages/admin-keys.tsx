import { useCallback, useState } from "react";
import { useWords } from "../react/words.js";
import {
  Card,
  ExpiryField,
  Field,
  FoldedForm,
  Item,
  readRights,
  Rights,
  RightsFields,
  Secret,
  textOf,
  useCameraIds,
  useList,
  type AdminTools,
} from "./admin-parts.js";

/** The keys: a list, a form for a new one, and the new one, which is shown once. */
export function AdminKeys({ admin, fail }: AdminTools) {
  const words = useWords();
  const load = useCallback(() => admin.keys(), [admin]);
  const [keys, reload] = useList(load, fail);
  const cameras = useCameraIds({ admin, fail });
  const [made, setMade] = useState<string | null>(null);
  const add = (fields: FormData, form: HTMLFormElement): void => {
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
          <Item
            key={id}
            name={name}
            end={{
              text: words.admin.revoke,
              label: words.admin.revokeKey(name),
              onSure: () => void admin.revokeKey(id).then(reload, fail),
            }}
          >
            <Rights allow={allow} />
            {expiresAt === null ? null : `, ${words.admin.until(words.format.dateTime(expiresAt))}`}
          </Item>
        ))}
      </ul>
      <FoldedForm title={words.admin.newKey} button={words.admin.makeKey} add={add}>
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
        <RightsFields cameras={cameras} />
        <ExpiryField />
      </FoldedForm>
    </Card>
  );
}
