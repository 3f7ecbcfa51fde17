import { useState, type SubmitEvent } from "react";
import type { LinkInfo } from "../core/admin.js";
import { useWords } from "../react/words.js";
import { Card, ExpiryField, Field, Secret, textOf, useCameraIds, type AdminTools } from "./admin-parts.js";

/** Makes links that open one camera for a while, for guests and for phones. */
export function AdminLinks({ admin, fail }: AdminTools) {
  const words = useWords();
  const cameras = useCameraIds({ admin, fail });
  const [made, setMade] = useState<LinkInfo | null>(null);
  const add = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const action = textOf(fields, "action") === "publish" ? "publish" : "view";
    admin
      .addLink(action, textOf(fields, "camera"), Number(textOf(fields, "expires")), fields.has("once"))
      .then(setMade, fail);
  };
  return (
    <Card title={words.admin.links} note={words.admin.linksHint}>
      {made === null ? null : (
        <Secret text={made.url} title={words.admin.linkMade} withCode onClose={() => setMade(null)} />
      )}
      <form className="sky-form" aria-label={words.admin.newLink} onSubmit={add}>
        <Field label={words.admin.linkTo}>
          {(id) => (
            <select id={id} name="action" defaultValue="view">
              <option value="view">{words.admin.watchCamera}</option>
              <option value="publish">{words.admin.beCamera}</option>
            </select>
          )}
        </Field>
        <Field label={words.admin.camera}>
          {(id) => (
            <>
              <input
                id={id}
                name="camera"
                type="text"
                required
                pattern="[A-Za-z0-9._\-]{1,64}"
                title={words.admin.idHint}
                list={`${id}-cameras`}
                autoCapitalize="none"
                spellCheck={false}
              />
              <datalist id={`${id}-cameras`}>
                {cameras.map((camera) => (
                  <option key={camera} value={camera} />
                ))}
              </datalist>
            </>
          )}
        </Field>
        <ExpiryField forLink />
        <label className="page-switch">
          <input type="checkbox" name="once" /> {words.admin.once}
        </label>
        <button type="submit" className="sky-button sky-button--primary">
          {words.admin.makeLink}
        </button>
      </form>
    </Card>
  );
}
