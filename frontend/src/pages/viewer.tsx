/** The viewer page: shows all cameras, or those that the address names. */

import { useCallback, useEffect, useMemo, useState } from "react";
import { keepAwake } from "../core/capture/wake-lock.js";
import { Route } from "../core/viewer/route.js";
import type { ViewerLink, ViewerSnapshot } from "../core/viewer/snapshot.js";
import type { PanelName } from "../core/viewer/view-address.js";
import type { Words } from "../core/words/words.js";
import { WallChoices } from "../core/viewer/wall-choices.js";
import { CameraGrid } from "../react/camera-grid.js";
import { useFullScreen } from "../react/full-screen.js";
import { Icon, ICONS } from "../react/icons.js";
import { LostBanner } from "../react/link-status.js";
import { shareLink } from "../react/share-link.js";
import { useIdle } from "../react/use-idle.js";
import { useBriefMessage } from "../react/use-brief-message.js";
import { useWindowKeys } from "../react/use-modal.js";
import { useStore } from "../react/use-store.js";
import { useViewer, type Viewer } from "../react/use-viewer.js";
import { useWallPlayback } from "../react/use-wall-playback.js";
import { useWords } from "../react/words.js";
import "../react/viewer.css";
import { AddPanel } from "./add-panel.js";
import { CamerasPanel } from "./cameras-panel.js";
import { keepPages } from "./keep-pages.js";
import { KeysPanel } from "./keys-panel.js";
import { LookSettings } from "./look-settings.js";
import { signIn, takeLink } from "./page-access.js";
import { Panel } from "./panel.js";
import { PerformancePanel } from "./performance-panel.js";
import { mount } from "./shell.js";
import { browserStorage } from "./browser-storage.js";
import "./viewer-page.css";
import { WallBar } from "./wall-bar.js";
import { useWallMoment } from "./wall-moment.js";
import { WallHead } from "./wall-head.js";
import { WallNews } from "./wall-news.js";

const HIDE_HEAD_AFTER_MS = 4000;
const WRITE_MOMENT_AFTER_MS = 500;
// Before the route reads the address.
const server = takeLink();
const route = new Route();
const choices = new WallChoices(browserStorage());

function ViewerPage() {
  const words = useWords();
  const address = useStore(route.address);
  const visit = useStore(route.visits);
  useEffect(() => route.follow(), []);
  // Another list of cameras needs another connection; the same list, read again, does not.
  const named = address.cameras.join(" ");
  const cameras = useMemo(() => (named === "" ? [] : named.split(" ")), [named]);
  const viewer = useViewer({ serverUrl: server, cameras, maxFps: address.maxFps });
  useSignIn(viewer);
  const link = useStore(viewer.snapshot, (snapshot) => snapshot.link);
  const isEmpty = useStore(viewer.snapshot, (snapshot) => snapshot.cameras.length === 0);
  const chosenLayout = useStore(choices.settings, (settings) => settings.layout);
  const exact = useStore(choices.settings, (settings) => settings.exactBoxes);
  useEffect(() => {
    viewer.controls?.setExactBoxes(exact);
  }, [viewer.controls, exact]);
  const layout = address.layout ?? chosenLayout;
  const { view, group, panel, kiosk } = address;
  const full = useFullScreen();
  const [idle] = useIdle(HIDE_HEAD_AFTER_MS, !full);
  useTitle(viewer, view);
  useEffect(() => (kiosk ? keepAwake() : undefined), [kiosk]);

  const [playbackOpen, setPlaybackOpen] = useState(address.at !== null && view === null);
  const playback = useWallPlayback(viewer, playbackOpen);
  useWallMoment(route, playbackOpen ? playback : null);

  const onOpen = useCallback(
    (cameraId: string | null, step: boolean) => {
      if (cameraId === null) route.close({ view: null });
      else if (step) route.replace({ view: cameraId });
      // The moment of the wall is also that of the camera.
      else if (playback?.moment.getSnapshot()) route.open({ view: cameraId, at: playback.position() });
      else route.open({ view: cameraId });
    },
    [playback],
  );
  const onPaused = useMomentInAddress(view);
  const setPanel = (next: PanelName | null): void => {
    if (next === null) route.close({ panel: null });
    else if (panel === null) route.open({ panel: next });
    else route.replace({ panel: next });
  };
  const [said, say] = useBriefMessage();
  const share = (): void => {
    const { cameras: known } = viewer.snapshot.getSnapshot();
    const order = choices.settings
      .getSnapshot()
      .order.filter((id) => known.some((one) => one.cameraId === id));
    const tiles = [...document.querySelectorAll<HTMLElement>(".sky-tile")].map(
      (tile) => tile.dataset.camera ?? "",
    );
    // A wall with all cameras stays one with all cameras; otherwise the link names those that are shown.
    const all =
      cameras.length === 0 &&
      group === null &&
      tiles.length === order.length &&
      tiles.join() === order.join();
    const change = all ? { layout } : { layout, cameras: tiles, group: null };
    void shareLink(
      route.href({ ...change, view: null, panel: null }),
      words.page.cameras,
      words.camera.linkCopied,
    ).then(say);
  };

  useWindowKeys((event) => {
    if (event.key !== "?" || kiosk || view !== null) return false;
    setPanel(panel === "keys" ? null : "keys");
    return true;
  });

  return (
    <>
      {kiosk ? null : (
        <WallHead
          viewer={viewer}
          choices={choices}
          group={group}
          layout={layout}
          panel={panel}
          idle={idle}
          onGroup={(next) => route.open({ group: next })}
          onLayout={(next) => {
            choices.set({ layout: next });
            if (address.layout !== null) route.replace({ layout: next });
          }}
          onPanel={setPanel}
          playbackOpen={playbackOpen}
          onPlayback={() => setPlaybackOpen(!playbackOpen)}
          playback={playback}
          onShare={share}
        />
      )}
      <main className="wall-main" data-kiosk={kiosk} data-idle={idle}>
        {kiosk ? <h1 className="sky-visually-hidden">SkySentry</h1> : null}
        <LostBanner viewer={viewer} />
        <WallNews viewer={viewer} />
        {cameras.length > 0 && !kiosk ? (
          <p className="page-chosen">
            {words.empty.fromAddress(cameras.length)}{" "}
            <a href={route.href({ cameras: [], view: null })}>{words.empty.showAll}</a>
          </p>
        ) : null}
        {playback && playbackOpen && !kiosk ? (
          <WallBar viewer={viewer} playback={playback} onJump={jump} onClose={() => setPlaybackOpen(false)} />
        ) : null}
        <CameraGrid
          viewer={viewer}
          choices={choices}
          playback={playback}
          hrefOf={hrefOf}
          opened={view}
          onOpen={onOpen}
          openedAt={address.at}
          visit={visit}
          onJump={jump}
          onPaused={onPaused}
          group={group}
          only={cameras}
          layout={layout}
          kiosk={kiosk}
          empty={isEmpty ? <Empty link={link} /> : <NoneShown onEdit={() => setPanel("cameras")} />}
        />
      </main>
      {panel === null || kiosk ? null : (
        <Panel key={panel} title={words.panels[panel]} onClose={() => setPanel(null)}>
          {panel === "figures" ? <PerformancePanel viewer={viewer} /> : null}
          {panel === "keys" ? <KeysPanel /> : null}
          {panel === "add" ? <AddPanel /> : null}
          {panel === "look" ? <LookSettings /> : null}
          {panel === "cameras" ? (
            <CamerasPanel
              viewer={viewer}
              choices={choices}
              group={group}
              onGroup={(next) => route.replace({ group: next })}
              onOpen={(cameraId) => route.open({ view: cameraId })}
              onOpenPast={(cameraId, at) =>
                // The server plays back a camera that it has forgotten only to viewers that name the camera.
                route.open({ cameras: [cameraId], view: cameraId, at, panel: null })
              }
            />
          ) : null}
        </Panel>
      )}
      <p className="wall-said" role="status">
        {said}
      </p>
    </>
  );
}

function hrefOf(cameraId: string): string {
  return route.href({ view: cameraId, panel: null });
}

/** Goes to a moment far away, so that Back leads to the one before. */
function jump(at: number): void {
  route.open({ at: Math.round(at) });
}

/** Writes the moment of a paused playback into the address, so that a reload and a sent link show it. */
function useMomentInAddress(view: string | null): (at: number | null) => void {
  const [moment, setMoment] = useState<number | null | undefined>(undefined);
  useEffect(() => {
    if (view === null || moment === undefined) return;
    const timer = setTimeout(() => {
      if (route.address.getSnapshot().at !== moment) route.replace({ at: moment });
    }, WRITE_MOMENT_AFTER_MS);
    return () => clearTimeout(timer);
  }, [view, moment]);
  return useCallback(
    (at: number | null) => setMoment((before) => (at === null && before === undefined ? undefined : at)),
    [],
  );
}

/** Leads to the sign-in page when the server wants to know who is watching. */
function useSignIn(viewer: Viewer): void {
  const code = useStore(viewer.snapshot, (snapshot) => snapshot.refusal?.code);
  useEffect(() => {
    // A person who may not watch would come back from the sign-in page again and again.
    if (code !== undefined && code !== "forbidden") signIn();
  }, [code]);
}

/** Says in the title of the tab what needs attention. */
function useTitle(viewer: Viewer, view: string | null): void {
  const words = useWords();
  const title = useStore(viewer.snapshot, (snapshot) => titleOf(snapshot, view, words));
  useEffect(() => {
    document.title = title;
  }, [title]);
}

function titleOf(
  { lostAt, link, totals, cameras }: ViewerSnapshot,
  view: string | null,
  words: Words,
): string {
  const name = cameras.find(({ cameraId }) => cameraId === view)?.name ?? view ?? words.page.cameras;
  const trouble =
    lostAt !== null && link !== "connecting"
      ? words.page.noConnectionTitle
      : totals.offline > 0
        ? words.page.offlineTitle(totals.offline)
        : "";
  return words.page.viewerTitle(trouble, name);
}

function Empty({ link }: { link: ViewerLink }) {
  const words = useWords();
  if (link !== "live" && link !== "polling") return null;
  return (
    <section className="page-empty">
      <Icon path={ICONS.camera} />
      <h2>{words.empty.noCamera}</h2>
      <p>{words.empty.noCameraHint}</p>
      <a className="sky-button sky-button--primary" href="./capture">
        {words.empty.openCapture}
      </a>
    </section>
  );
}

/** All cameras are stopped, hidden or removed, or the group has none of them. */
function NoneShown({ onEdit }: { onEdit: () => void }) {
  const words = useWords();
  return (
    <section className="page-empty">
      <h2>{words.empty.noneShown}</h2>
      <p>{words.empty.noneShownHint}</p>
      <button type="button" className="sky-button" onClick={onEdit}>
        {words.empty.choose}
      </button>
    </section>
  );
}

void mount(<ViewerPage />);
keepPages();
