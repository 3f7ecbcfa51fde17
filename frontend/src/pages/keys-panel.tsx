/** The keys of the viewer page. */

import { useWords } from "../react/words.js";

export function KeysPanel() {
  const words = useWords();
  return (
    <>
      <KeyList title={words.page.allCameras} keys={words.keys.wall} />
      <KeyList title={words.keys.oneCamera} keys={words.keys.view} />
    </>
  );
}

function KeyList({ title, keys }: { title: string; keys: readonly (readonly [string, string])[] }) {
  return (
    <section className="page-keys">
      <h3>{title}</h3>
      <dl>
        {keys.map(([key, action]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{action}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
