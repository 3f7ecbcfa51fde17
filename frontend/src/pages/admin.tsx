/** The page for administrators: who is connected, keys, links and people. */

import { useCallback, useEffect, useMemo, useState } from "react";
import { AdminApi } from "../core/admin.js";
import { AccessApi, RequestError, type SessionInfo } from "../core/rest.js";
import type { Words } from "../core/words/words.js";
import { useWords } from "../react/words.js";
import { AdminConnections } from "./admin-connections.js";
import { AdminKeys } from "./admin-keys.js";
import { AdminLinks } from "./admin-links.js";
import type { AdminTools } from "./admin-parts.js";
import { AdminUsers } from "./admin-users.js";
import { signIn } from "./page-access.js";
import { mount, PageHead } from "./shell.js";
import "./admin-page.css";

const FIRST_KEY = "skysentry-trio key add --name me --admin";
const access = new AccessApi(new URL("./", location.href));
const admin = new AdminApi(access);

function AdminPage() {
  const words = useWords();
  useEffect(() => {
    document.title = words.admin.pageTitle;
  }, [words]);
  const [session, setSession] = useState<SessionInfo | null>(null);
  const [trouble, setTrouble] = useState("");
  const fail = useCallback((error: unknown) => setTrouble(describe(error, words)), [words]);
  useEffect(() => {
    access.session().then(setSession, fail);
  }, [fail]);
  const tools = useMemo<AdminTools>(() => ({ admin, fail }), [fail]);
  const mayAdminister = session !== null && !session.open && "admin" in session.actions;
  return (
    <>
      <PageHead current="admin">
        {session === null || session.open ? null : (
          <span className="page-count">
            {words.admin.as(session.name)}{" "}
            <button
              type="button"
              className="sky-button"
              onClick={() => void access.signOut().finally(() => location.reload())}
            >
              {words.signIn.signOut}
            </button>
          </span>
        )}
      </PageHead>
      <main className="page-main page-main--admin">
        <div role="alert">
          {trouble === "" ? null : <p className="sky-notice sky-notice--bad">{trouble}</p>}
        </div>
        {session?.open === true ? (
          <p className="sky-notice">
            {words.admin.isOpen[0]} <code>{FIRST_KEY}</code> {words.admin.isOpen[1]}
          </p>
        ) : null}
        {mayAdminister ? (
          <div className="admin-cards">
            <AdminConnections {...tools} />
            <AdminKeys {...tools} />
            <AdminLinks {...tools} />
            <AdminUsers {...tools} />
          </div>
        ) : session === null || session.open ? null : (
          <p className="sky-notice">
            {words.admin.notAdmin(session.name)}{" "}
            <button type="button" className="sky-button" onClick={signIn}>
              {words.admin.signInAs}
            </button>
          </p>
        )}
      </main>
    </>
  );
}

function describe(error: unknown, words: Words): string {
  if (!(error instanceof RequestError)) return words.signIn.failed;
  if (error.status === 401) {
    signIn();
    return "";
  }
  if (error.status === 0) return words.signIn.unreachable;
  if (error.code === "forbidden") return words.admin.forbidden;
  return error.reason === "" ? words.signIn.status(error.status) : words.signIn.says(error.reason);
}

void mount(<AdminPage />);
