/** The head of the viewer page: groups, counts, layouts and what can be opened. */

import { useEffect, useRef, type ReactNode } from "react";
import type { PanelName } from "../core/viewer/view-address.js";
import type { WallChoices } from "../core/viewer/wall-choices.js";
import { LAYOUTS, type LayoutName } from "../core/viewer/wall-layout.js";
import { canFullScreen, toggleFullScreen } from "../react/full-screen.js";
import { IconButton } from "../react/icon-button.js";
import { LinkStatus } from "../react/link-status.js";
import { useStore } from "../react/use-store.js";
import type { Viewer } from "../react/use-viewer.js";
import mark from "./mark.svg";

const LAYOUT_TEXT: Record<LayoutName, string> = { auto: "Auto", "1+5": "1+5", "2x2": "2×2", "3x3": "3×3" };

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
  readonly onShare: () => void;
}

export function WallHead(props: WallHeadProps) {
  const { viewer, choices, group, layout, panel, onGroup, onLayout, onPanel } = props;
  const link = useStore(viewer.snapshot, (snapshot) => snapshot.link);
  const count = useStore(viewer.snapshot, ({ totals }) => totals.cameras);
  const groups = useStore(choices.settings, (settings) => settings.groups);
  const figures = useStore(choices.settings, (settings) => settings.figures);
  const toggle = (name: PanelName) => (): void => onPanel(panel === name ? null : name);
  return (
    <header className="page-head wall-head" data-hides data-idle={props.idle}>
      <h1 className="page-brand">
        <img src={mark} alt="" /> <span>SkySentry</span>
      </h1>
      {groups.length > 0 ? (
        <nav className="wall-groups" aria-label="Groups">
          <Chip name="All" count={count} chosen={group === null} onChoose={() => onGroup(null)} />
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
      <Counts viewer={viewer} choices={choices} onStopped={toggle("cameras")} />
      <span className={link === "live" ? "sky-visually-hidden" : undefined}>
        <LinkStatus link={link} />
      </span>
      <div className="wall-layouts" role="group" aria-label="Layout">
        {LAYOUTS.map((name) => (
          <button key={name} type="button" aria-pressed={layout === name} onClick={() => onLayout(name)}>
            {LAYOUT_TEXT[name]}
          </button>
        ))}
        <button type="button" aria-expanded={panel === "cameras"} onClick={toggle("cameras")}>
          Edit
        </button>
      </div>
      <IconButton
        className="page-tool"
        icon="plus"
        label="Add camera"
        labelShown
        aria-expanded={panel === "add"}
        onClick={toggle("add")}
      />
      {canFullScreen() ? (
        <IconButton
          className="page-tool"
          icon="expand"
          label="Wall"
          labelShown
          title="All cameras on the full screen"
          onClick={toggleFullScreen}
        />
      ) : null}
      <More>
        <button type="button" aria-pressed={figures} onClick={() => choices.set({ figures: !figures })}>
          Figures on the pictures
        </button>
        <button type="button" onClick={toggle("figures")}>
          Performance
        </button>
        <button type="button" onClick={toggle("cameras")}>
          Cameras and groups
        </button>
        <button type="button" onClick={props.onShare}>
          Share this wall
        </button>
        <button type="button" onClick={toggle("keys")}>
          Keys
        </button>
        <a href="./capture">Capture</a>
      </More>
    </header>
  );
}

/** A list that a choice, Escape and a click elsewhere close. The focus is then on its button. */
function More({ children }: { children: ReactNode }) {
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
      <summary aria-label="More" title="More" className="sky-button sky-button--icon">
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

interface CountsProps extends Pick<WallHeadProps, "viewer" | "choices"> {
  readonly onStopped: () => void;
}

function Counts({ viewer, choices, onStopped }: CountsProps) {
  const { live, offline, cameras } = useStore(viewer.snapshot, ({ totals }) => totals);
  const stopped = useStore(
    viewer.snapshot,
    (snapshot) => snapshot.cameras.filter(({ status }) => status === "stopped").length,
  );
  const hideOffline = useStore(choices.settings, (settings) => settings.hideOffline);
  return (
    <span className="wall-counts">
      <span className="sky-dot" data-status={live > 0 ? "live" : "unknown"} />
      <span className="page-count">
        {live} of {cameras} live
      </span>
      {offline > 0 ? (
        <button
          type="button"
          aria-pressed={hideOffline}
          title={hideOffline ? "Show cameras that are offline" : "Hide cameras that are offline"}
          onClick={() => choices.set({ hideOffline: !hideOffline })}
        >
          <span className="sky-dot" data-status="offline" /> {offline} offline
        </button>
      ) : null}
      {stopped > 0 ? (
        <button type="button" title="Cameras that their owners have stopped" onClick={onStopped}>
          {stopped} stopped
        </button>
      ) : null}
    </span>
  );
}
