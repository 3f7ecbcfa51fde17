/** Makes a clip, saves it as a file, and shares it. */

import { useEffect, useMemo, useRef, useState } from "react";
import type { ClipFormat } from "../core/viewer/clip.js";
import type { Words } from "../core/words/words.js";
import { ClipSaver, type ClipState } from "../core/viewer/clip-saver.js";
import type { ClipRange } from "./clip-range.js";
import { fileStamp } from "./file-stamp.js";
import { IconButton } from "./icon-button.js";
import { canShareVideos, saveFile, shareFile } from "./save-file.js";
import { useStore } from "./use-store.js";
import { useWords } from "./words.js";

export interface ClipBarProps {
  readonly cameraId: string;
  /** The part that the person has chosen. */
  readonly chosen: ClipRange | null;
  /** What the server still keeps of it. */
  readonly clip: ClipRange | null;
  /** It is too long for a download into the memory of this device. */
  readonly long?: boolean | undefined;
  readonly onStart: () => void;
  readonly onClear: () => void;
  readonly urlOf: (clip: ClipRange, format: ClipFormat) => string;
  /** Requests the clip. */
  readonly request: typeof fetch;
}

const FORMATS: readonly ClipFormat[] = ["mp4", "mkv", "zip"];
export function ClipBar(props: ClipBarProps) {
  const { cameraId, chosen, clip, long = false, onStart, onClear, urlOf, request } = props;
  const words = useWords();
  const saver = useMemo(() => new ClipSaver(), []);
  const state = useStore(saver.state);
  const impossible = useStore(saver.impossible);
  const [askAgain, setAskAgain] = useState(false);
  const shares = useMemo(() => canShareVideos(), []);
  // What was made of another part is not this clip.
  useEffect(() => () => saver.cancel(), [saver, chosen]);
  if (!clip) return <IconButton icon="scissors" label={words.playback.clip} labelShown onClick={onStart} />;

  const load = (format: ClipFormat): Promise<File | null> => {
    setAskAgain(false);
    const name = `${cameraId}_${fileStamp(clip.from)}`;
    return saver.load({ url: urlOf(clip, format), format, name, fetch: request });
  };
  const save = async (format: ClipFormat): Promise<void> => {
    const file = made(state, format) ?? (await load(format));
    if (file) saveFile(file);
  };
  const share = async (): Promise<void> => {
    const file = made(state, "mp4") ?? (await load("mp4"));
    if (file) setAskAgain(!(await shareFile(file)));
  };
  const format: ClipFormat = impossible.includes("mp4") ? "zip" : "mp4";
  return (
    <span className="sky-clip" role="group" aria-label={words.playback.clip}>
      <ClipNote state={state} askAgain={askAgain} />
      {state.kind === "done" && state.format === "mp4" ? <ClipPreview file={state.file} /> : null}
      <span className="sky-clip__length" data-figure="clip">
        {words.format.clipLength(clip.to - clip.from)}
      </span>
      {long ? null : state.kind === "loading" ? (
        <button type="button" className="sky-button" onClick={() => saver.cancel()}>
          {words.clip.cancel}
        </button>
      ) : (
        <span className="sky-split">
          <IconButton
            className="sky-button--primary"
            icon="download"
            label={words.clip.save(format.toUpperCase())}
            labelShown
            onClick={() => void save(format)}
          />
          <FormatMenu impossible={impossible} onChoose={(other) => void save(other)} />
        </span>
      )}
      {shares && !long && state.kind !== "loading" && format === "mp4" ? (
        <IconButton icon="share" label={words.clip.share} onClick={() => void share()} />
      ) : null}
      <IconButton icon="close" label={words.playback.clearClip} onClick={onClear} />
    </span>
  );
}

function made(state: ClipState, format: ClipFormat): File | null {
  return state.kind === "done" && state.format === format ? state.file : null;
}

/** How far the clip is, or why there is none. */
function ClipNote({ state, askAgain }: { state: ClipState; askAgain: boolean }) {
  const words = useWords();
  return (
    <span className="sky-clip__note" role="status">
      {state.kind === "loading" ? (
        <>
          <progress aria-label={words.clip.making(state.format.toUpperCase())} />{" "}
          {words.format.bytes(state.bytes)}
        </>
      ) : null}
      {state.kind === "failed" ? failureText(state, words) : null}
      {askAgain ? words.clip.shareAgain : null}
    </span>
  );
}

function failureText(
  { format, status, reason }: Extract<ClipState, { kind: "failed" }>,
  words: Words,
): string {
  const name = format.toUpperCase();
  if (status === 0) return words.clip.broken(name);
  const what = status === 501 ? words.clip.impossible(name) : words.clip.refused(name);
  return `${what} ${reason === "" ? words.clip.status(status) : words.clip.reason(reason)}`;
}

/** The video as it was saved, played again and again. */
function ClipPreview({ file }: { file: File }) {
  const words = useWords();
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const { current } = video;
    if (!current) return;
    const url = URL.createObjectURL(file);
    current.src = url;
    return () => {
      current.removeAttribute("src");
      URL.revokeObjectURL(url);
    };
  }, [file]);
  return (
    <span className="sky-clip__preview">
      <video ref={video} aria-label={words.clip.saved} muted loop autoPlay playsInline controls />
      <span>
        {file.name} · {words.format.bytes(file.size)}
      </span>
    </span>
  );
}

interface FormatMenuProps {
  readonly impossible: readonly ClipFormat[];
  readonly onChoose: (format: ClipFormat) => void;
}

export function FormatMenu({ impossible, onChoose }: FormatMenuProps) {
  const words = useWords();
  const [open, setOpen] = useState(false);
  const menu = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    if (!open) return;
    const close = (event: Event): void => {
      if (!(event.target instanceof Node) || !menu.current?.contains(event.target)) setOpen(false);
    };
    window.addEventListener("pointerdown", close);
    return () => window.removeEventListener("pointerdown", close);
  }, [open]);
  return (
    // Escape closes the menu and not the camera view, and the button has the focus again.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <span
      ref={menu}
      className="sky-split__more"
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        event.preventDefault();
        setOpen(false);
        menu.current?.querySelector<HTMLElement>("[aria-expanded]")?.focus();
      }}
    >
      <IconButton
        className="sky-button--primary"
        icon="down"
        label={words.clip.otherFormats}
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      />
      {open ? (
        <span className="sky-menu sky-menu--up">
          {FORMATS.map((format) => (
            <button
              key={format}
              type="button"
              disabled={impossible.includes(format)}
              onClick={() => {
                setOpen(false);
                onChoose(format);
              }}
            >
              {words.clip.formats[format]}
            </button>
          ))}
        </span>
      ) : null}
    </span>
  );
}
