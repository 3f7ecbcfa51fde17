import { useCallback, useRef } from "react";
import { useWords } from "../react/words.js";
import { Card, Item, useList, type AdminTools } from "./admin-parts.js";

const REFRESH_MS = 5000;

/** Who is connected, as what, and since when. */
export function AdminConnections({ admin, fail }: AdminTools) {
  const words = useWords();
  const known = useRef<ReadonlySet<string>>(new Set());
  const load = useCallback(async () => {
    const all = await admin.connections();
    // Most requests end at once, as those of this page; those that last are streams.
    const lasting = all.filter(({ id, role }) => role !== "request" || known.current.has(id));
    known.current = new Set(all.map(({ id }) => id));
    return lasting;
  }, [admin]);
  const [connections, reload] = useList(load, fail, REFRESH_MS);
  return (
    <Card title={words.admin.connections}>
      {connections?.length === 0 ? <p className="sky-hint">{words.admin.nobody}</p> : null}
      <ul className="admin-list">
        {connections?.map(({ id, name, role, cameraId, address, since }) => (
          <Item
            key={id}
            name={name}
            end={{
              text: words.admin.end,
              label: words.admin.endConnection(name),
              onSure: () => void admin.endConnection(id).then(reload, fail),
            }}
          >
            {[
              [words.admin.roles[role] ?? role, cameraId ?? ""].join(" ").trim(),
              words.admin.from(address),
              ...(since === null ? [] : [words.admin.since(words.format.dateTime(since))]),
            ].join(", ")}
          </Item>
        ))}
      </ul>
    </Card>
  );
}
