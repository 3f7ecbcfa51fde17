import { useEffect, useMemo, useRef, useState, type PointerEvent } from "react";
import type { PlaybackController } from "../core/viewer/playback-controller.js";
import type { PlaybackState } from "../core/viewer/playback.js";
import type { ResultMark } from "../core/viewer/result-marks.js";
import type { ClipRange } from "./clip-range.js";
import { TimelineZoomButtons, useTimelineZoom } from "./timeline-zoom.js";
import { useServerPicture } from "./use-server-picture.js";
import { useWords } from "./words.js";

/** A position this close to the end counts as live. */
const LIVE_MS = 50;
/** A position that the person set is shown for this long, also if the server still reports another one. */
const HELD_MS = 700;
/** Pictures while the pointer moves: at most eight a second. */
const PREVIEW_EVERY_MS = 125;
/** Seconds between two marks of the clock. */
const TICKS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
const TICK_PX = 110;

export interface TimelineProps {
  readonly name: string;
  readonly playback: PlaybackState;
  readonly controller: PlaybackController;
  /** Whether the camera is live, not only this viewer. */
  readonly isLive: boolean;
  readonly marks: readonly ResultMark[];
  readonly clip: ClipRange | null;
  readonly onClip: (clip: ClipRange) => void;
  /** Returns the address of the picture at a moment. */
  readonly pictureAt: (at: number) => string;
  /** Requests these pictures with a token; left out if they need none. */
  readonly request?: typeof fetch | undefined;
}

/** The kept past of one camera: a track with clock times, marks of findings, and a picture under the pointer. */
export function Timeline(props: TimelineProps) {
  const { name, playback, controller, isLive, marks, clip, onClip, pictureAt, request } = props;
  const words = useWords();
  const { live, oldestAt, newestAt, at } = playback;
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
  const preview = usePreview(pictureAt);
  const picture = useServerPicture(preview.at === null ? undefined : preview.picture, request);

  const whole = { from: oldestAt, to: Math.max(newestAt, oldestAt + 1) };
  const offset = held ?? Math.max(oldestAt, at) - newestAt;
  const shownAt = newestAt + offset;
  const zoomed = useTimelineZoom(track, whole, shownAt);
  const { from, to } = zoomed.span;
  const isIn = (moment: number): boolean => moment >= from && moment <= to;
  const part = (moment: number): number => Math.min(1, Math.max(0, (moment - from) / (to - from)));
  const percent = (moment: number): string => `${(100 * part(moment)).toFixed(3)}%`;
  const timeAt = (clientX: number): number => {
    const box = track.current?.getBoundingClientRect();
    if (!box || box.width === 0) return newestAt;
    return from + Math.min(1, Math.max(0, (clientX - box.left) / box.width)) * (to - from);
  };

  const scrub = (milliseconds: number): void => {
    if (zoomed.pinching()) return;
    hold(milliseconds);
    if (milliseconds >= -LIVE_MS) controller.goLive();
    else controller.seekTo(newestAt + milliseconds);
  };
  const hover = (event: PointerEvent): void => {
    zoomed.handlers.onPointerMove(event);
    if (zoomed.pinching()) preview.hide();
    else preview.show(timeAt(event.clientX));
  };

  return (
    <section className="sky-timeline" aria-label={words.playback.timeline(name)}>
      <TimelineZoomButtons zoomed={zoomed} whole={whole} />
      <div
        ref={track}
        className="sky-timeline__track"
        {...zoomed.handlers}
        onPointerMove={hover}
        onPointerLeave={preview.hide}
      >
        <div className="sky-timeline__bar">
          {marks
            .filter((mark) => mark.to >= from && mark.from <= to)
            .map((mark) => (
              <span
                key={mark.from}
                className="sky-timeline__mark"
                style={{
                  left: percent(mark.from),
                  width: `max(3px, ${(100 * (part(mark.to) - part(mark.from))).toFixed(3)}%)`,
                }}
              />
            ))}
          {isIn(shownAt) ? <span className="sky-timeline__head" style={{ left: percent(shownAt) }} /> : null}
        </div>
        <input
          type="range"
          min={from - newestAt}
          max={to - newestAt}
          step={10}
          value={offset}
          aria-label={words.playback.position}
          aria-valuetext={
            live && held === null
              ? isLive
                ? words.playback.positionLive
                : words.playback.positionNewest
              : words.playback.positionAt(words.format.clock(shownAt), words.format.back(-offset))
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
            onShow={(moment) => controller.seekTo(moment)}
            onMoved={() => controller.loopFrom(clip.from)}
          />
        ) : null}
        {preview.at === null ? null : (
          <figure
            className="sky-timeline__preview"
            style={{ left: `clamp(88px, ${percent(preview.at)}, calc(100% - 88px))` }}
          >
            {picture === undefined ? null : <img src={picture} alt="" />}
            <figcaption>
              {words.format.clock(preview.at)}
              {marks.some((mark) => isAt(mark, preview.at ?? 0)) ? ` · ${words.playback.result}` : ""}
            </figcaption>
          </figure>
        )}
      </div>
      <Ticks from={from} to={to} width={width} atNow={isLive && to >= newestAt} />
    </section>
  );
}

/** Marks are a few pixels wide, so the pointer is at a mark also when it is beside it. */
function isAt({ from, to }: ResultMark, moment: number): boolean {
  return from - 500 <= moment && moment <= to + 500;
}

interface TicksProps {
  readonly from: number;
  readonly to: number;
  readonly width: number;
  /** Whether the end of the timeline is the live picture. */
  readonly atNow: boolean;
}

function Ticks({ from, to, width, atNow }: TicksProps) {
  const words = useWords();
  const span = to - from;
  const most = Math.max(1, width / TICK_PX);
  const step = (TICKS.find((seconds) => span / 1000 / seconds <= most) ?? 14_400) * 1000;
  const first = Math.ceil(from / step) * step;
  const times: number[] = [];
  for (let at = first; at <= to && times.length < 40; at += step) times.push(at);
  const left = (at: number): number => (100 * (at - from)) / span;
  // No tick beside the word at the end, nor cut off at the beginning.
  const room = width > 0 ? 3500 / width : 5;
  return (
    <div className="sky-timeline__ticks" aria-hidden="true">
      {times
        .filter((at) => left(at) > room && left(at) < 100 - 2.6 * room)
        .map((at) => (
          <span key={at} style={{ left: `${left(at).toFixed(3)}%` }}>
            {words.format.clock(at)}
          </span>
        ))}
      <span className="sky-timeline__now">{atNow ? words.playback.now : words.format.clock(to)}</span>
    </div>
  );
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
function usePreview(pictureAt: (at: number) => string) {
  const [at, setAt] = useState<number | null>(null);
  const [second, setSecond] = useState(0);
  const latest = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return {
    at,
    picture: useMemo(() => pictureAt(second), [pictureAt, second]),
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
