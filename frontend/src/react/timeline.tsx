import { useEffect, useMemo, useRef, useState, type PointerEvent, type ReactNode } from "react";
import { now as pageNow } from "../core/clock.js";
import { coveredWith, isGap, nearestCovered, spanInMemory, type Past } from "../core/viewer/past.js";
import type { ResultMark } from "../core/viewer/result-marks.js";
import type { Span } from "../core/viewer/timeline-window.js";
import type { ClipRange } from "./clip-range.js";
import { TimelineLayers } from "./timeline-layers.js";
import { TimelineTicks } from "./timeline-ticks.js";
import { TimelineZoomButtons, useTimelineZoom } from "./timeline-zoom.js";
import { useServerPicture } from "./use-server-picture.js";
import { useWords } from "./words.js";

/** A position this close to the end counts as live. */
const LIVE_MS = 50;
/** A position that the person set is shown for this long, also if the server still reports another one. */
const HELD_MS = 700;
/** Pictures while the pointer moves: at most eight a second. */
const PREVIEW_EVERY_MS = 125;
/** Marks are a few pixels wide, so the pointer is at a mark also when it is beside it. */
const NEAR_PX = 4;

/** What can be played, and where the person is. */
export interface TimelinePlace {
  readonly live: boolean;
  readonly at: number;
  readonly oldestAt: number;
  readonly newestAt: number;
  readonly ringOldestAt?: number | null;
}

export interface TimelineProps {
  readonly label: string;
  readonly positionLabel: string;
  readonly place: TimelinePlace;
  /** Whether the end of the timeline is a live picture. */
  readonly isLive: boolean;
  readonly marks: readonly ResultMark[];
  readonly onSeek: (at: number) => void;
  readonly onLive: () => void;
  readonly clip: ClipRange | null;
  readonly onClip: (clip: ClipRange) => void;
  /** An end of the clip was dragged, and is let go. */
  readonly onClipMoved: () => void;
  /** Returns the address of the picture at a moment; left out if there is no single one. */
  readonly pictureAt?: ((at: number) => string) | undefined;
  /** Requests these pictures with a token; left out if they need none. */
  readonly request?: typeof fetch | undefined;
  /** What is recorded in the shown part; null if the server records nothing, or has not said so yet. */
  readonly past?: Past | null | undefined;
  /** Called with the part that is shown. */
  readonly onShown?: ((span: Span) => void) | undefined;
  /** More controls; `show` changes which part is shown. */
  readonly tools?: ((show: (span: Span) => void) => ReactNode) | undefined;
}

/** The past that can be played: a track with clock times, recordings and events, and a picture under the pointer. */
export function Timeline(props: TimelineProps) {
  const { label, positionLabel, place, isLive, marks, clip, onClip, pictureAt, request, past = null } = props;
  const words = useWords();
  const { live, oldestAt, newestAt, at } = place;
  const [held, hold] = useHeld();
  const track = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const { current } = track;
    if (!current) return;
    const observer = new ResizeObserver(() => setWidth(current.clientWidth));
    observer.observe(current);
    return () => observer.disconnect();
  }, []);

  const whole = { from: oldestAt, to: Math.max(newestAt, oldestAt + 1) };
  const offset = held ?? Math.max(oldestAt, at) - newestAt;
  const shownAt = newestAt + offset;
  const zoomed = useTimelineZoom(track, whole, shownAt);
  const { from, to } = zoomed.span;
  const { onShown, tools } = props;
  useEffect(() => onShown?.({ from, to }), [onShown, from, to]);
  const covered = useMemo(
    () => past && coveredWith(past, spanInMemory(place.ringOldestAt, newestAt)),
    [past, place.ringOldestAt, newestAt],
  );
  const isIn = (moment: number): boolean => moment >= from && moment <= to;
  const percent = (moment: number): string =>
    `${(100 * Math.min(1, Math.max(0, (moment - from) / (to - from)))).toFixed(3)}%`;
  const timeAt = (clientX: number): number => {
    const box = track.current?.getBoundingClientRect();
    if (!box || box.width === 0) return newestAt;
    return from + Math.min(1, Math.max(0, (clientX - box.left) / box.width)) * (to - from);
  };
  const clockOf = (moment: number): string => words.format.clockOf(moment, pageNow());

  const preview = usePreview(pictureAt);
  const isNothing = (moment: number): boolean => past !== null && isGap(covered ?? [], past.known, moment);
  const hasPicture = preview.at !== null && !isNothing(preview.at);
  const picture = useServerPicture(hasPicture ? preview.picture : undefined, request);
  const near = width > 0 ? (NEAR_PX / width) * (to - from) : 0;

  const scrub = (milliseconds: number): void => {
    if (zoomed.pinching()) return;
    const target = newestAt + milliseconds;
    // Where nothing was recorded, the nearest picture is shown.
    const moment = past ? nearestCovered(covered ?? [], past.known, target) : target;
    hold(moment - newestAt);
    if (moment >= newestAt - LIVE_MS) props.onLive();
    else props.onSeek(moment);
  };
  const hover = (event: PointerEvent): void => {
    zoomed.handlers.onPointerMove(event);
    if (zoomed.pinching()) preview.hide();
    else preview.show(timeAt(event.clientX));
  };

  return (
    <section className="sky-timeline" aria-label={label} data-recorded={past !== null}>
      <div className="sky-timeline__tools">
        {tools?.(zoomed.show)}
        <TimelineZoomButtons zoomed={zoomed} whole={whole} />
      </div>
      <div
        ref={track}
        className="sky-timeline__track"
        {...zoomed.handlers}
        onPointerMove={hover}
        onPointerLeave={preview.hide}
      >
        <div className="sky-timeline__bar">
          <TimelineLayers
            span={zoomed.span}
            width={width}
            past={past}
            covered={covered}
            ring={past && spanInMemory(place.ringOldestAt, newestAt)}
            marks={marks}
            newestAt={newestAt}
          />
          {isIn(shownAt) ? <span className="sky-timeline__head" style={{ left: percent(shownAt) }} /> : null}
        </div>
        <input
          type="range"
          min={from - newestAt}
          max={to - newestAt}
          step={10}
          value={offset}
          aria-label={positionLabel}
          aria-valuetext={
            live && held === null
              ? isLive
                ? words.playback.positionLive
                : words.playback.positionNewest
              : words.playback.positionAt(clockOf(shownAt), words.format.back(-offset))
          }
          onKeyDown={zoomed.onKeyDown}
          onChange={(event) => scrub(event.target.valueAsNumber)}
        />
        {clip ? (
          <ClipEnds
            clip={clip}
            percent={percent}
            isIn={isIn}
            timeAt={timeAt}
            onClip={onClip}
            onShow={props.onSeek}
            onMoved={props.onClipMoved}
          />
        ) : null}
        {preview.at === null ? null : (
          <figure
            className="sky-timeline__preview"
            data-picture={picture !== undefined}
            style={{ left: `clamp(88px, ${percent(preview.at)}, calc(100% - 88px))` }}
          >
            {picture === undefined ? null : <img src={picture} alt="" />}
            <figcaption>
              {[
                clockOf(preview.at),
                ...(isNothing(preview.at) ? [words.history.nothing] : []),
                ...labelsAt(past, preview.at, near, newestAt),
                ...(marks.some((mark) => isAt(mark, preview.at ?? 0, near)) ? [words.playback.result] : []),
              ].join(" · ")}
            </figcaption>
          </figure>
        )}
      </div>
      <TimelineTicks zoomed={zoomed} width={width} atNow={isLive && to >= newestAt} />
    </section>
  );
}

function isAt({ from, to }: Span, moment: number, near: number): boolean {
  const about = Math.max(500, near);
  return from - about <= moment && moment <= to + about;
}

function labelsAt(past: Past | null, moment: number, near: number, newestAt: number): string[] {
  const there = (past?.events ?? []).filter(({ from, to }) =>
    isAt({ from, to: to ?? newestAt }, moment, near),
  );
  return [...new Set(there.map(({ label }) => label))].slice(0, 3);
}

interface ClipEndsProps {
  readonly clip: ClipRange;
  readonly percent: (at: number) => string;
  /** Whether the shown part of the timeline has this moment. */
  readonly isIn: (at: number) => boolean;
  readonly timeAt: (clientX: number) => number;
  readonly onClip: (clip: ClipRange) => void;
  /** The picture at a moving end is to be shown. */
  readonly onShow: (at: number) => void;
  /** An end was dragged, and is let go. */
  readonly onMoved: () => void;
}

const NUDGE_MS = 200;

function ClipEnds({ clip, percent, isIn, timeAt, onClip, onShow, onMoved }: ClipEndsProps) {
  const words = useWords();
  const move = (end: keyof ClipRange, at: number): void => {
    onClip({ ...clip, [end]: at });
    onShow(at);
  };
  const ends = [
    ["from", words.playback.clipStart],
    ["to", words.playback.clipEnd],
  ] as const;
  return (
    <>
      <span
        className="sky-timeline__clip"
        style={{ left: percent(clip.from), right: `calc(100% - ${percent(clip.to)})` }}
      />
      {ends
        .filter(([end]) => isIn(clip[end]))
        .map(([end, label]) => (
          <button
            key={end}
            type="button"
            role="slider"
            className="sky-timeline__end"
            style={{ left: percent(clip[end]) }}
            aria-label={label}
            aria-valuenow={Math.round(clip[end] / 1000)}
            aria-valuetext={words.format.clockTenths(clip[end])}
            onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
            onPointerMove={(event) => {
              if (event.buttons > 0) move(end, timeAt(event.clientX));
            }}
            onPointerUp={onMoved}
            onKeyDown={(event) => {
              const by = { ArrowLeft: -NUDGE_MS, ArrowRight: NUDGE_MS }[event.key];
              if (by === undefined) return;
              event.preventDefault();
              move(end, clip[end] + by);
            }}
          />
        ))}
    </>
  );
}

/** The picture under the pointer. Moments of the same second have the same picture, so that the browser has it already. */
function usePreview(pictureAt: ((at: number) => string) | undefined) {
  const [at, setAt] = useState<number | null>(null);
  const [second, setSecond] = useState(0);
  const latest = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return {
    at,
    picture: useMemo(() => pictureAt?.(second), [pictureAt, second]),
    show: (moment: number): void => {
      const first = at === null;
      setAt(moment);
      latest.current = Math.ceil(moment / 1000) * 1000;
      if (first) setSecond(latest.current);
      timer.current ??= setTimeout(() => {
        timer.current = undefined;
        setSecond(latest.current);
      }, PREVIEW_EVERY_MS);
    },
    hide: (): void => setAt(null),
  };
}

/** Returns a value that is null again `HELD_MS` after it was set, and its setter. */
function useHeld(): [number | null, (value: number) => void] {
  const [held, setHeld] = useState<number | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const hold = (value: number): void => {
    setHeld(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setHeld(null), HELD_MS);
  };
  return [held, hold];
}
