// @vitest-environment happy-dom
import { act, Profiler } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WallChoices } from "../../src/core/viewer/wall-choices.js";
import { ViewerSession } from "../../src/core/viewer/session.js";
import { CameraTile } from "../../src/react/camera-tile.js";
import { useStore } from "../../src/react/use-store.js";
import type { Viewer } from "../../src/react/use-viewer.js";
import { Store } from "../../src/core/store.js";
import { envelope, fakeNetwork } from "../fakes.js";
import { fakeViewer } from "./fake-viewer.js";
import { host, mountForEach, render } from "./mounting.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());
mountForEach();

/** The tiles of two cameras, A and B, of a session with a real store. */
function build() {
  const network = fakeNetwork();
  const session = new ViewerSession({ server: "http://host/", openSocket: network.open });
  const viewer: Viewer = {
    snapshot: session.snapshot,
    painter: fakeViewer([]).viewer.painter,
    controls: session,
  };
  const rendered: string[] = [];
  const onRender = (id: string) => void rendered.push(id);
  session.start();
  network.last.accept();
  const clients = ["A", "B"].map((clientId) => ({ clientId, online: true }));
  network.last.text({ type: "clients", clients });
  const nothing = () => undefined;
  const choices = new WallChoices();
  render(
    ["A", "B"].map((cameraId) => (
      <Profiler key={cameraId} id={cameraId} onRender={onRender}>
        <CameraTile
          viewer={viewer}
          cameraId={cameraId}
          choices={choices}
          left={0}
          top={0}
          width={160}
          height={90}
          hidden={false}
          fresh={false}
          onOpen={nothing}
          onDrop={nothing}
          onShare={undefined}
        />
      </Profiler>
    )),
  );
  /** Returns which tiles were rendered since the last call, each as often as it was. */
  const takeRendered = () => rendered.splice(0);
  /** Lets the session update its state once. */
  const refresh = () => act(() => void vi.advanceTimersByTime(400));
  return { network, session, choices, takeRendered, refresh };
}

describe("a tile", () => {
  it("renders only when the state of its own camera changes", () => {
    const { network, session, takeRendered, refresh } = build();
    expect(takeRendered()).toEqual(["A", "B"]);
    act(() => network.last.binary(envelope("A", 1)));
    refresh();
    expect(takeRendered()).toEqual(["A"]);
    for (const sequence of [2, 3, 4]) {
      act(() => network.last.binary(envelope("A", sequence)));
      refresh();
    }
    expect(takeRendered()).toEqual(["A", "A", "A"]);
    act(() => network.last.text({ type: "client-connected", clientId: "B", name: "Beta" }));
    expect(takeRendered()).toContain("B");
    expect(host.textContent).toContain("Beta");
    act(() => session.stop());
  });

  it("does not render while nothing changes", () => {
    const { session, takeRendered, refresh } = build();
    takeRendered();
    for (let i = 0; i < 20; i++) refresh();
    expect(takeRendered()).toEqual([]);
    act(() => session.stop());
  });

  it("renders once when the figures are switched on, which every tile shows", () => {
    const { session, choices, takeRendered } = build();
    takeRendered();
    act(() => choices.set({ figures: true }));
    expect(takeRendered()).toEqual(["A", "B"]);
    act(() => session.setBoxesShown(false));
    act(() => choices.mark("pinned", "C", true));
    expect(takeRendered()).toEqual([]);
    act(() => session.stop());
  });
});

describe("useStore", () => {
  it("returns the whole value without a selector", () => {
    const store = new Store({ a: 1 });
    const Shown = () => JSON.stringify(useStore(store));
    render(<Shown />);
    act(() => store.set({ a: 2 }));
    expect(host.textContent).toBe('{"a":2}');
  });
});
