// @vitest-environment happy-dom
import { expect, it } from "vitest";
import { CameraGrid } from "../../src/react/camera-grid.js";
import { LostBanner } from "../../src/react/link-status.js";
import { useStore } from "../../src/react/use-store.js";
import { useViewer } from "../../src/react/use-viewer.js";
import { host, mountForEach, render } from "./mounting.js";

mountForEach();

function App({ serverUrl, empty }: { serverUrl: string; empty?: string }) {
  const viewer = useViewer({ serverUrl });
  const failure = useStore(viewer.snapshot, (snapshot) => snapshot.failure);
  return (
    <>
      <p id="kind">{failure?.kind ?? "none"}</p>
      <CameraGrid viewer={viewer} empty={empty} />
      {empty === undefined ? null : <LostBanner viewer={viewer} />}
    </>
  );
}

it("an invalid address of the server is said on the page, and does not remove the app", () => {
  render(<App serverUrl="ftp://cams.example/" />);
  expect(host.querySelector("#kind")?.textContent).toBe("bad-address");
  expect(host.querySelector(".sky-notice")?.textContent).toContain("ftp://cams.example/");
});

it("a wall with its own words for no cameras leaves the reason to the banner", () => {
  render(<App serverUrl="http://[" empty="No cameras" />);
  expect(host.querySelector(".sky-notice")).toBeNull();
  expect(host.querySelector(".sky-banner")?.textContent).toContain("http://[");
});
