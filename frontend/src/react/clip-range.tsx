/** A part of the timeline that is to be saved. */

import { useState, type MouseEvent } from "react";
import { chooseClipFormat, type ClipFormat } from "../core/viewer/clip.js";
import type { PlaybackState } from "../core/viewer/playback.js";
import { IconButton, IconLink } from "./icon-button.js";
import { useWords } from "./words.js";

/** Milliseconds by the server's clock. */
export interface ClipRange {
  readonly from: number;
  readonly to: number;
}

const CLIP_MS = 10_000;
const SHORTEST_MS = 200;

/**
 * Returns the part of a clip that the server still keeps, or null if nothing is left of it. Ends that were dragged across
 * each other are put in order.
 */
export function keptPart(clip: ClipRange, { oldestAt, newestAt }: PlaybackState): ClipRange | null {
  const clamp = (at: number): number => Math.min(newestAt, Math.max(oldestAt, at));
  const from = clamp(Math.min(clip.from, clip.to));
  const to = clamp(Math.max(clip.from, clip.to));
  return to - from < 1 ? null : { from, to };
}

/** Returns ten seconds around a moment, as far as they are kept. */
export function clipAround({ at, oldestAt, newestAt }: PlaybackState): ClipRange {
  const to = Math.min(newestAt, Math.max(at + CLIP_MS / 2, oldestAt + CLIP_MS));
  return { from: Math.max(oldestAt, to - CLIP_MS), to };
}

/** Moves one end of a clip, but never past the other end. */
export function withEnd(clip: ClipRange, end: keyof ClipRange, at: number): ClipRange {
  return end === "from"
    ? { from: at, to: Math.max(clip.to, at + SHORTEST_MS) }
    : { from: Math.min(clip.from, at - SHORTEST_MS), to: at };
}

export interface ClipButtonsProps {
  readonly clip: ClipRange | null;
  readonly onStart: () => void;
  readonly onClear: () => void;
  readonly urlOf: (clip: ClipRange, format: ClipFormat) => string;
}

/** Starts, saves and clears a clip. */
export function ClipButtons({ clip, onStart, onClear, urlOf }: ClipButtonsProps) {
  const words = useWords();
  const [saving, setSaving] = useState(false);
  if (!clip) return <IconButton icon="scissors" label={words.playback.clip} labelShown onClick={onStart} />;

  /** Downloads the clip as a video, or as JPEGs if the server cannot encode videos. */
  const save = async (event: MouseEvent): Promise<void> => {
    event.preventDefault();
    setSaving(true);
    const link = document.createElement("a");
    link.href = urlOf(clip, await chooseClipFormat(urlOf(clip, "mkv")));
    link.download = "";
    link.click();
    setSaving(false);
  };
  return (
    <>
      <span className="sky-clip__length" data-figure="clip">
        {words.format.seconds(clip.to - clip.from)}
      </span>
      <IconLink
        className="sky-button--primary"
        icon="download"
        label={saving ? words.playback.saving : words.playback.saveClip}
        labelShown
        href={urlOf(clip, "mkv")}
        download
        onClick={(event) => void save(event)}
      />
      <IconButton icon="close" label={words.playback.clearClip} onClick={onClear} />
    </>
  );
}
