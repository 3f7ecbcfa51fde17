// @vitest-environment happy-dom
import { act } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { now } from "../../src/core/clock.js";
import { WallBar } from "../../src/pages/wall-bar.js";
import { CameraGrid } from "../../src/react/camera-grid.js";
import { ENGLISH } from "../../src/core/words/words.js";
import { useWallPlayback } from "../../src/react/use-wall-playback.js";
import type { Viewer } from "../../src/react/use-viewer.js";
import { cameraSnapshot, fakeControls, fakeViewer } from "./fake-viewer.js";
import { host, mountForEach, render } from "./mounting.js";

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});
mountForEach();

function Wall({ viewer, open }: { viewer: Viewer; open: boolean }) {
  const playback = useWallPlayback(viewer, open);
  return (
    <>
      {playback && open ? <WallBar viewer={viewer} playback={playback} onClose={() => undefined} /> : null}
      <CameraGrid viewer={viewer} playback={playback} />
    </>
  );
}

/** Two cameras whose last minute is kept. */
function build() {
  const requests: unknown[] = [];
  const extent = { live: true, speed: 1, sequence: 9, at: now(), oldestAt: now() - 60_000, newestAt: now() };
  const cameras = ["a", "b"].map((id) => cameraSnapshot(id, { playback: extent }));
  const { viewer, update } = fakeViewer(cameras, {
    ...fakeControls(),
    seek: (ids, position, speed) =>
      requests.push([ids, Math.round((now() - (position as { at: number }).at) / 100) / 10, speed]),
    goLive: (ids) => requests.push(["live", ids]),
    describePlayback: (ids) => requests.push(["describe", ids]),
  });
  render(<Wall viewer={viewer} open />);
  const requested = () => requests.splice(0).filter((request) => (request as unknown[])[0] !== "describe");
  return { viewer, update, requests, requested, extent };
}

const button = (label: string) =>
  [...host.querySelectorAll("button")].find(
    (one) => (one.getAttribute("aria-label") ?? one.textContent) === label,
  );
const press = (label: string) => act(() => button(label)?.click());
const pass = (milliseconds: number) => act(() => void vi.advanceTimersByTime(milliseconds));
const clock = () => host.querySelector('[data-figure="wall-clock"]')?.textContent;

describe("the controls of a wall that is played back", () => {
  it("ask for the extent of all timelines while they are shown, and leave the wall live", () => {
    const { viewer, requests } = build();
    pass(2000);
    expect(requests).toEqual([
      ["describe", ["a", "b"]],
      ["describe", ["a", "b"]],
    ]);
    press("All cameras back 10 seconds");
    render(<Wall viewer={viewer} open={false} />);
    expect(requests.at(-1)).toEqual(["live", ["a", "b"]]);
  });

  it("send one moment for all cameras", () => {
    const { requested } = build();
    press("All cameras back 10 seconds");
    pass(250);
    expect(clock()).toBe(`${ENGLISH.format.clock(now() - 10_000)} · 10 s ago`);
    press("Pause all cameras");
    pass(1000);
    expect(clock()).toContain("11 s ago");
    press("Play all cameras");
    pass(200);
    press("Go live");
    expect(requested()).toEqual([
      [["a", "b"], 10, 1],
      [["a", "b"], 10, 0],
      [["a", "b"], 11, 1],
      ["live", ["a", "b"]],
    ]);
  });

  it("reach back to the oldest frame of any camera", () => {
    build();
    const slider = host.querySelector<HTMLInputElement>('[aria-label="Position of all cameras"]');
    expect(Number(slider?.min)).toBeCloseTo(-60_000, -3);
    expect(slider?.getAttribute("aria-valuetext")).toBe("live");
  });

  it("take in a camera that the server shows live although the wall is not", () => {
    const { update, requested, extent } = build();
    press("Pause all cameras");
    const past = { ...extent, live: false, speed: 0 };
    update({ cameras: [cameraSnapshot("a", { playback: past }), cameraSnapshot("b", { playback: extent })] });
    requested();
    pass(1500);
    expect(requested()).toMatchObject([[["b"], expect.anything(), 0]]);
  });

  it("send the moment again when the page is seen again", () => {
    const { update, requested } = build();
    press("Pause all cameras");
    update({ paused: true });
    requested();
    update({ paused: false });
    pass(200);
    expect(requested().at(-1)).toMatchObject([["a", "b"], expect.anything(), 0]);
  });

  it("send the moment as soon as there is a connection, because no server has heard it before", () => {
    const { update, requests } = build();
    press("Pause all cameras");
    update({ link: "connecting" });
    pass(1000);
    requests.splice(0);
    update({ link: "live" });
    pass(200);
    expect(requests).toMatchObject([
      [["a", "b"], expect.anything(), 0],
      ["describe", ["a", "b"]],
    ]);
  });

  it("mark the pictures, and say the time of each", () => {
    const { update, extent } = build();
    const at = now() - 12_000;
    update({
      cameras: [cameraSnapshot("a", { status: "unknown", playback: { ...extent, live: false, at } })],
    });
    const tile = host.querySelector("article");
    expect(tile?.dataset.playback).toBe("true");
    expect(tile?.getAttribute("aria-label")).toBe("a, replay");
    expect(tile?.textContent).toContain(ENGLISH.format.clock(at));
    expect(tile?.textContent).not.toContain("nothing recorded");
  });

  it("say of a picture that is not of the moment that nothing was recorded then", () => {
    const { update, extent } = build();
    press("All cameras back 10 seconds");
    update({ cameras: [cameraSnapshot("a", { playback: { ...extent, live: false, at: now() - 50_000 } })] });
    expect(host.querySelector("article")?.textContent).toContain("nothing recorded");
  });
});
