/** The viewer page: shows all cameras, or those that the address names. */

import { useMemo, useState } from "react";
import { CameraGrid } from "../react/camera-grid.js";
import { LinkNotice, LinkStatus } from "../react/link-status.js";
import { useStore } from "../react/use-store.js";
import { useViewer, type Viewer } from "../react/use-viewer.js";
import { IconButton } from "../react/icon-button.js";
import { Icon, ICONS } from "../react/icons.js";
import { isCameraId } from "../core/protocol.js";
import type { ViewerLink } from "../core/viewer/snapshot.js";
import { PerformancePanel } from "./performance-panel.js";
import { mount, PageHead } from "./shell.js";

function ViewerPage() {
  const chosen = useMemo(() => new URLSearchParams(location.search).getAll("client").filter(isCameraId), []);
  const maxFps = useMemo(() => readRate(new URLSearchParams(location.search).get("maxFps")), []);
  const viewer = useViewer({ cameras: chosen, maxFps });
  const link = useStore(viewer.snapshot, (snapshot) => snapshot.link);
  const isEmpty = useStore(viewer.snapshot, ({ cameras }) => cameras.length === 0);
  const [panelOpen, setPanelOpen] = useState(false);
  return (
    <>
      <PageHead current="viewer">
        <CameraCount viewer={viewer} />
        <LinkStatus link={link} />
        <IconButton
          className="page-tool"
          icon="gauge"
          label="Performance"
          labelShown
          aria-expanded={panelOpen}
          aria-controls="performance"
          onClick={() => setPanelOpen(!panelOpen)}
        />
      </PageHead>
      <main className="page-main">
        <LinkNotice link={link} />
        <div id="performance" hidden={!panelOpen}>
          {panelOpen ? <PerformancePanel viewer={viewer} /> : null}
        </div>
        {chosen.length > 0 ? (
          <p className="page-chosen">
            Showing {chosen.length === 1 ? "the camera" : `the ${chosen.length} cameras`} named in the
            address. <a href={location.pathname}>Show all cameras</a>
          </p>
        ) : null}
        <CameraGrid viewer={viewer} hrefOf={hrefOf} />
        {isEmpty ? <Empty link={link} /> : <Keys />}
      </main>
    </>
  );
}

function CameraCount({ viewer }: { viewer: Viewer }) {
  const { live, cameras } = useStore(viewer.snapshot, ({ totals }) => totals);
  return (
    <span className="page-count">
      {live} of {cameras} live
    </span>
  );
}

/** Returns a frame rate that the server accepts, or undefined. */
function readRate(text: string | null): number | undefined {
  const rate = Number(text ?? Number.NaN);
  return rate >= 0.001 && rate <= 1000 ? rate : undefined;
}

function hrefOf(cameraId: string): string {
  // Other parts of the query stay.
  const query = new URLSearchParams(location.search);
  query.delete("client");
  query.append("client", cameraId);
  return `?${query}`;
}

function Empty({ link }: { link: ViewerLink }) {
  if (link !== "live" && link !== "polling") return null;
  return (
    <section className="page-empty">
      <Icon path={ICONS.camera} />
      <h2>No camera is on the air</h2>
      <p>
        Open the capture page on a phone or a computer with a camera and press Start. The picture then appears
        here.
      </p>
      <a className="sky-button sky-button--primary" href="./capture">
        Open the capture page
      </a>
    </section>
  );
}

function Keys() {
  return (
    <p className="page-keys">
      <kbd>Tab</kbd> and arrow keys choose a camera, <kbd>Enter</kbd> shows it in full size, <kbd>F</kbd> on
      the full screen, <kbd>S</kbd> saves a picture, <kbd>Esc</kbd> goes back. In full size: <kbd>Space</kbd>{" "}
      pauses, <kbd>,</kbd> <kbd>.</kbd> step by a frame, <kbd>J</kbd> goes back 5 s, <kbd>L</kbd> is live.
    </p>
  );
}

mount(<ViewerPage />);
