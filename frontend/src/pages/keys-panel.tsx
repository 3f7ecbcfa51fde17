/** The keys of the viewer page. */

const WALL = [
  ["Tab, arrow keys", "choose a camera"],
  ["Enter", "shows it in full size"],
  ["Alt + arrow keys", "move it"],
  ["I", "figures on all pictures"],
  ["F", "full screen"],
  ["S", "saves the picture"],
  ["Page Down, Page Up", "the next or previous page of cameras"],
  ["?", "this list"],
] as const;

const VIEW = [
  ["Esc", "back to all cameras"],
  ["Shift + ← →", "the previous or next camera"],
  ["Space", "pauses or continues"],
  ["← →", "ten seconds back or forward"],
  [", .", "one frame back or forward"],
  ["J K L", "plays backwards, pauses, plays forwards; again is faster"],
  ["Home, End", "the oldest picture, live"],
  ["C", "starts a clip of ten seconds, or clears it"],
  ["[ ]", "start and end of the clip"],
  ["+ − 0", "zoom in, zoom out, whole picture"],
  ["B", "boxes of detection results"],
  ["P", "picture in picture"],
  ["I", "figures"],
] as const;

export function KeysPanel() {
  return (
    <>
      <KeyList title="All cameras" keys={WALL} />
      <KeyList title="One camera" keys={VIEW} />
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
