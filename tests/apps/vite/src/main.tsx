import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import SkySentryClient, { CameraGrid, useStore, useViewer } from "skysentry-trio";
import "skysentry-trio/element";
import "skysentry-trio/style.css";

const serverUrl = new URLSearchParams(location.search).get("server") ?? "";

function Wall() {
  const viewer = useViewer({ serverUrl });
  const live = useStore(viewer.snapshot, ({ totals }) => totals.live);
  return (
    <main>
      <p id="live">{live} live</p>
      <CameraGrid viewer={viewer} />
    </main>
  );
}

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <SkySentryClient clientId="fresh-app" serverUrl={serverUrl} autoStartCamera frameRate={5} />
    <skysentry-viewer server={serverUrl} client="demo-1" />
    <Wall />
  </StrictMode>,
);
