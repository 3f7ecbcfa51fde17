/** The head of the viewer page: groups, counts, layouts and what can be opened. */

import { useEffect, useRef, type ReactNode } from "react";
import type { PanelName } from "../core/viewer/view-address.js";
import type { WallChoices } from "../core/viewer/wall-choices.js";
import { LAYOUTS, type LayoutName } from "../core/viewer/wall-layout.js";
import type { WallPlayback } from "../core/viewer/wall-playback.js";
import { canFullScreen, toggleFullScreen } from "../react/full-screen.js";
import { IconButton } from "../react/icon-button.js";
import { LinkStatus } from "../react/link-status.js";
import { useRefresh } from "../react/use-refresh.js";
import { useStore } from "../react/use-store.js";
import type { Viewer } from "../react/use-viewer.js";
import { useIsReplay } from "../react/use-wall-playback.js";
import { useWords } from "../react/words.js";
import mark from "./mark.svg";

const REFRESH_MS = 250;

export interface WallHeadProps {
  readonly viewer: Viewer;
  readonly choices: WallChoices;
  readonly group: string | null;
  readonly layout: LayoutName;
  readonly panel: PanelName | null;
  readonly idle: boolean;
  readonly onGroup: (group: string | null) => void;
  readonly onLayout: (layout: LayoutName) => void;
  readonly onPanel: (panel: PanelName | null) => void;
  /** Whether the controls for the playback of all cameras are shown. */
  readonly playbackOpen: boolean;
  readonly onPlayback: () => void;
  /** Plays all cameras in step; null while there is no connection. */
  readonly playback: WallPlayback | null;
  readonly onShare: () => void;
}

export function WallHead(props: WallHeadProps) {
  const { viewer, choices, group, layout, panel, onGroup, onLayout, onPanel } = props;
  const words = useWords();
  const link = useStore(viewer.snapshot, (snapshot) => snapshot.link);
  const count = useStore(viewer.snapshot, ({ totals }) => totals.cameras);
  const groups = useStore(choices.settings, (settings) => settings.groups);
  const figures = useStore(choices.settings, (settings) => settings.figures);
  const oneColumn = useStore(choices.settings, (settings) => settings.oneColumn);
  const toggle = (name: PanelName) => (): void => onPanel(panel === name ? null : name);
  return (
    <header className="page-head wall-head" data-hides data-idle={props.idle}>
      <h1 className="page-brand">
        <img src={mark} alt="" /> <span>SkySentry</span>
      </h1>
      {groups.length > 0 ? (
        <nav className="wall-groups" aria-label={words.head.groups}>
          <Chip name={words.head.all} count={count} chosen={group === null} onChoose={() => onGroup(null)} />
          {groups.map(({ name, cameras }) => (
            <Chip
              key={name}
              name={name}
              count={cameras.length}
              chosen={group === name}
              onChoose={() => onGroup(name)}
            />
          ))}
        </nav>
      ) : null}
      <span className="wall-space" />
      <Counts viewer={viewer} choices={choices} playback={props.playback} onStopped={toggle("cameras")} />
      <span className={link === "live" ? "sky-visually-hidden" : undefined}>
        <LinkStatus link={link} />
      </span>
      <div className="wall-layouts" role="group" aria-label={words.head.layout}>
        {LAYOUTS.map((name) => (
          <button key={name} type="button" aria-pressed={layout === name} onClick={() => onLayout(name)}>
            {words.head.layouts[name]}
          </button>
        ))}
        <button type="button" aria-expanded={panel === "cameras"} onClick={toggle("cameras")}>
          {words.head.edit}
        </button>
      </div>
      <IconButton
        className="page-tool wall-wide"
        icon="skipBack"
        label={words.together.open}
        labelShown
        title={words.together.hint}
        aria-expanded={props.playbackOpen}
        onClick={props.onPlayback}
      />
      <IconButton
        className="page-tool"
        icon="plus"
        label={words.head.addCamera}
        labelShown
        aria-expanded={panel === "add"}
        onClick={toggle("add")}
      />
      {canFullScreen() ? (
        <IconButton
          className="page-tool wall-wide"
          icon="expand"
          label={words.head.wall}
          labelShown
          title={words.head.wallHint}
          onClick={toggleFullScreen}
        />
      ) : null}
      <More>
        <button type="button" aria-pressed={figures} onClick={() => choices.set({ figures: !figures })}>
          {words.head.figures}
        </button>
        <button
          type="button"
          className="wall-narrow"
          aria-pressed={oneColumn}
          onClick={() => choices.set({ oneColumn: !oneColumn })}
        >
          {words.head.oneColumn}
        </button>
        <button
          type="button"
          className="wall-narrow"
          aria-pressed={props.playbackOpen}
          onClick={props.onPlayback}
        >
          {words.together.open}
        </button>
        {canFullScreen() ? (
          <button type="button" className="wall-narrow" onClick={toggleFullScreen}>
            {words.head.wallHint}
          </button>
        ) : null}
        <button type="button" onClick={toggle("figures")}>
          {words.panels.figures}
        </button>
        <button type="button" onClick={toggle("cameras")}>
          {words.panels.cameras}
        </button>
        <button type="button" onClick={props.onShare}>
          {words.head.shareWall}
        </button>
        <button type="button" className="wall-keyboard" onClick={toggle("keys")}>
          {words.panels.keys}
        </button>
        <button type="button" onClick={toggle("look")}>
          {words.panels.look}
        </button>
        <a href="./admin">{words.admin.menu}</a>
        <a href="./capture">{words.page.capture}</a>
      </More>
    </header>
  );
}

/** A list that a choice, Escape and a click elsewhere close. The focus is then on its button. */
function More({ children }: { children: ReactNode }) {
  const words = useWords();
  const details = useRef<HTMLDetailsElement>(null);
  const close = (): void => {
    details.current?.removeAttribute("open");
    details.current?.querySelector("summary")?.focus();
  };
  useEffect(() => {
    const pressed = (event: PointerEvent): void => {
      if (event.target instanceof Node && !details.current?.contains(event.target))
        details.current?.removeAttribute("open");
    };
    window.addEventListener("pointerdown", pressed);
    return () => window.removeEventListener("pointerdown", pressed);
  }, []);
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <details
      ref={details}
      className="wall-more"
      onKeyDown={(event) => {
        if (event.key !== "Escape" || details.current?.open !== true) return;
        event.preventDefault();
        close();
      }}
    >
      <summary aria-label={words.head.more} title={words.head.more} className="sky-button sky-button--icon">
        ⋯
      </summary>
      <div className="wall-more__list" onClickCapture={close}>
        {children}
      </div>
    </details>
  );
}

interface ChipProps {
  readonly name: string;
  readonly count: number;
  readonly chosen: boolean;
  readonly onChoose: () => void;
}

function Chip({ name, count, chosen, onChoose }: ChipProps) {
  return (
    <button type="button" className="wall-chip" aria-current={chosen} onClick={onChoose}>
      <bdi>{name}</bdi> {count}
    </button>
  );
}

interface CountsProps extends Pick<WallHeadProps, "viewer" | "choices" | "playback"> {
  readonly onStopped: () => void;
}

function Counts({ viewer, choices, playback, onStopped }: CountsProps) {
  const words = useWords();
  const replays = useIsReplay(playback);
  const { live, offline, cameras } = useStore(viewer.snapshot, ({ totals }) => totals);
  const stopped = useStore(
    viewer.snapshot,
    (snapshot) => snapshot.cameras.filter(({ status }) => status === "stopped").length,
  );
  const hideOffline = useStore(choices.settings, (settings) => settings.hideOffline);
  return (
    <span className="wall-counts">
      {playback && replays ? (
        <Replay playback={playback} />
      ) : cameras === 0 ? null : (
        <>
          <span className="sky-dot" data-status={live > 0 ? "live" : "unknown"} />
          <span className="page-count">{words.head.live(live, cameras)}</span>
        </>
      )}
      {offline > 0 ? (
        <button
          type="button"
          aria-pressed={hideOffline}
          title={hideOffline ? words.head.showOffline : words.head.hideOffline}
          onClick={() => choices.set({ hideOffline: !hideOffline })}
        >
          <span className="sky-dot" data-status="offline" /> {words.head.offline(offline)}
        </button>
      ) : null}
      {stopped > 0 ? (
        <button type="button" title={words.head.stoppedHint} onClick={onStopped}>
          {words.head.stopped(stopped)}
        </button>
      ) : null}
    </span>
  );
}

/** The moment that all cameras show, in place of how many of them are live. */
function Replay({ playback }: { playback: WallPlayback }) {
  const words = useWords();
  useRefresh(REFRESH_MS);
  return (
    <>
      <span className="sky-dot" data-status="playback" />
      <span className="page-count" data-figure="shown-moment">
        {words.view.replaying} · {words.format.clock(playback.position())}
      </span>
    </>
  );
}
