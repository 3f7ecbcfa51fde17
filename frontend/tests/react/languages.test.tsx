// @vitest-environment happy-dom
import { act } from "react";
import { afterEach, describe, expect, it } from "vitest";
import { CameraGrid, LinkStatus } from "../../src/react/index.js";
import { cameraSnapshot, fakeViewer } from "./fake-viewer.js";
import { host, mountForEach, render, settle } from "./mounting.js";

mountForEach();
afterEach(() => document.documentElement.removeAttribute("lang"));

describe("the language of the components", () => {
  it("is the one of the document, also after a change", async () => {
    document.documentElement.lang = "de";
    render(<LinkStatus link="live" />);
    expect(host.textContent).toBe("Verbunden");
    await act(async () => {
      document.documentElement.lang = "en";
      await new Promise((resolve) => setTimeout(resolve, 20));
    });
    expect(host.textContent).toBe("Connected");
  });

  it("is the one that the app names, in everything that a wall shows", async () => {
    const { viewer } = fakeViewer([cameraSnapshot("a", { status: "offline", takenAt: null })]);
    await settle(<CameraGrid viewer={viewer} language="de" />);
    expect(host.querySelector("article")?.getAttribute("aria-label")).toBe("a, offline");
    expect(host.textContent).toContain("Entfernen");
  });
});
