"use client";

import { CameraGrid, useStore, useViewer } from "skysentry-trio";
import "skysentry-trio/element";

export function Wall({ serverUrl }: { serverUrl: string }) {
  const viewer = useViewer({ serverUrl });
  const live = useStore(viewer.snapshot, ({ totals }) => totals.live);
  return (
    <main>
      <skysentry-viewer server={serverUrl} client="demo-1" />
      <p id="live">{live} live</p>
      <CameraGrid viewer={viewer} />
    </main>
  );
}
