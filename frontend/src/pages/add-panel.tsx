/** The ways to add a camera. */

import { useWords } from "../react/words.js";
import { PageCode, ServerCode } from "./phone-code.js";
import { usePhone } from "./use-phone.js";

export function AddPanel() {
  const words = useWords();
  const server = new URL("./", location.href).href.replace(/\/$/, "");
  const { info, renew } = usePhone();
  const code = info?.code ?? null;
  return (
    <div className="page-add">
      <section>
        <h3>{words.add.thisDevice}</h3>
        <p>
          <a className="sky-button sky-button--primary" href="./capture">
            {words.empty.openCapture}
          </a>
        </p>
      </section>
      <section>
        <h3>{words.add.phone}</h3>
        {code === null ? (
          <PageCode address={`${server}/capture`} />
        ) : (
          <ServerCode code={code} renew={renew} />
        )}
      </section>
      <section>
        <h3>{words.add.network}</h3>
        <pre>
          <code>{command("rtsp://ADDRESS/stream", server, "yard")}</code>
        </pre>
      </section>
      <section>
        <h3>{words.add.test}</h3>
        <pre>
          <code>{command("pattern", server, "test")}</code>
        </pre>
      </section>
    </div>
  );
}

/** A command is the same in every language. */
function command(source: string, server: string, id: string): string {
  return ["skysentry-trio capture", source, "\\\n  --server", server, "--id", id].join(" ");
}
