// @vitest-environment happy-dom
import { expect, it } from "vitest";
import { WallNews } from "../../src/pages/wall-news.js";
import { cameraSnapshot, fakeViewer } from "../react/fake-viewer.js";
import { host, mountForEach, render } from "../react/mounting.js";

mountForEach();

it("tells screen readers of cameras that leave and come back, but not of what was so before", () => {
  const cameras = (a: "live" | "offline" | "stopped", b: "live" | "offline") => [
    cameraSnapshot("a", { name: "Gate", status: a }),
    cameraSnapshot("b", { name: "Yard", status: b }),
  ];
  const { viewer, update } = fakeViewer([]);
  update({ link: "connecting" });
  render(<WallNews viewer={viewer} />);
  const news = () => host.querySelector('[role="status"]')?.textContent;
  update({ link: "live", cameras: cameras("live", "offline") });
  expect(news()).toBe("");
  update({ cameras: cameras("offline", "offline") });
  expect(news()).toBe("Gate is offline.");
  update({ cameras: cameras("live", "live") });
  expect(news()).toBe("Gate is back. Yard is back.");
  update({ cameras: cameras("stopped", "live") });
  expect(news()).toBe("Gate is back. Yard is back.");
});
