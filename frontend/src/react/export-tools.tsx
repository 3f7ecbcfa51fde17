/** Protects and exports a part of the recordings of one or several cameras. */

import { useEffect, useMemo, useState } from "react";
import type { ClipFormat } from "../core/viewer/clip.js";
import { ExportJob, type ExportState } from "../core/viewer/export-job.js";
import type { History } from "../core/viewer/history.js";
import type { Past } from "../core/viewer/past.js";
import type { Words } from "../core/words/words.js";
import { FormatMenu } from "./clip-bar.js";
import type { ClipRange } from "./clip-range.js";
import { IconButton } from "./icon-button.js";
import { useStore } from "./use-store.js";
import type { ViewerControls } from "./use-viewer.js";
import { useWords } from "./words.js";

export interface ExportToolsProps {
  readonly history: History;
  readonly controls: ViewerControls;
  readonly past: Past | null;
  readonly cameraIds: readonly string[];
  readonly clip: ClipRange;
}

const NONE: readonly ClipFormat[] = [];

export function ExportTools({ history, controls, past, cameraIds, clip }: ExportToolsProps) {
  const words = useWords();
  const { format } = words;
  const job = useMemo(() => new ExportJob(controls.base, controls.request), [controls]);
  const state = useStore(job.state);
  const mayProtect = useStore(history.mayProtect);
  const [refused, setRefused] = useState("");
  const named = cameraIds.join(" ");
  // What was written of another part, or of other cameras, is not this.
  useEffect(() => () => job.cancel(), [job, clip.from, clip.to, named]);
  const isKept = (past?.kept ?? []).some(({ from, to }) => from <= clip.from && to >= clip.to);
  const protect = (): void => {
    setRefused("");
    history
      .protect(cameraIds, clip, !isKept)
      .catch((error: unknown) => setRefused(error instanceof Error ? error.message : ""));
  };
  const start = async (as: ClipFormat): Promise<void> => {
    await job.start(cameraIds, clip, as);
    const done = job.state.getSnapshot();
    if (done.kind === "ready") await save(done, controls);
  };
  return (
    <span className="sky-export">
      {mayProtect ? (
        <IconButton
          icon={isKept ? "unlock" : "lock"}
          label={isKept ? words.history.unprotect : words.history.protect}
          labelShown
          title={isKept ? words.history.unprotectHint : words.history.protectHint}
          aria-pressed={isKept}
          onClick={protect}
        />
      ) : null}
      {state.kind === "writing" ? (
        <span className="sky-export__progress">
          <progress aria-label={words.history.exporting} max={1} value={state.share} />
          <output data-figure="export">{format.percent(state.share)}</output>
          <button type="button" className="sky-button" onClick={() => job.cancel()}>
            {words.clip.cancel}
          </button>
        </span>
      ) : state.kind === "ready" ? (
        <IconButton
          icon="download"
          label={words.history.saveExport(format.bytes(state.bytes))}
          labelShown
          onClick={() => void save(state, controls)}
        />
      ) : (
        <span className="sky-split sky-split--chip">
          <IconButton
            icon="download"
            label={words.history.export}
            labelShown
            title={words.history.exportHint(cameraIds.length)}
            onClick={() => void start("zip")}
          />
          <FormatMenu impossible={NONE} onChoose={(as) => void start(as)} />
        </span>
      )}
      <span className="sky-clip__note" role="status">
        {state.kind === "failed" ? failureText(state, words) : refused}
      </span>
    </span>
  );
}

function failureText({ status, reason }: Extract<ExportState, { kind: "failed" }>, words: Words): string {
  const why = reason !== "" ? words.clip.reason(reason) : status === 0 ? "" : words.clip.status(status);
  return `${words.history.exportFailed} ${why}`;
}

/** Downloads the file, in the browser's own way if that may have it: it shows the progress, and can be continued. */
async function save(
  { url, name }: Extract<ExportState, { kind: "ready" }>,
  { hasToken, request }: ViewerControls,
): Promise<void> {
  const link = document.createElement("a");
  link.download = name;
  if (!hasToken) link.href = url;
  else {
    const response = await request(url);
    if (!response.ok) return;
    link.href = URL.createObjectURL(await response.blob());
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }
  link.click();
}
