// @vitest-environment node
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { afterEach, describe, expect, it, vi } from "vitest";

const complaints = vi.spyOn(console, "error");

afterEach(() => {
  expect(complaints).not.toHaveBeenCalled();
});

describe("on a server, where there is no document", () => {
  it.each(["react", "core", "element"])("the entry %s is imported", async (entry) => {
    expect(typeof document).toBe("undefined");
    await expect(import(`../../src/${entry}/index.ts`)).resolves.toBeTypeOf("object");
  });

  it("a camera renders nothing, whatever its properties are", async () => {
    const { default: Default, SkySentryClient } = await import("../../src/react/index.js");
    expect(Default).toBe(SkySentryClient);
    const props = {
      clientId: "front-door",
      serverUrl: "http://localhost:8080",
      autoStartCamera: true,
      frameRate: 15,
    };
    expect(renderToString(createElement(SkySentryClient, props))).toBe("");
    expect(renderToString(<SkySentryClient />)).toBe("");
  });

  it("a wall with its figures is rendered", async () => {
    const { CameraGrid, LinkNotice, LinkStatus, useStore, useViewer } =
      await import("../../src/react/index.js");
    const Wall = () => {
      const viewer = useViewer({ serverUrl: "https://host/" });
      const { link, totals } = useStore(viewer.snapshot);
      return (
        <>
          <LinkStatus link={link} />
          <LinkNotice link={link} />
          <p>{totals.live} cameras are live</p>
          <CameraGrid viewer={viewer} />
        </>
      );
    };
    expect(renderToString(<Wall />)).toContain("cameras are live");
  });

  it("a hook in a component of somebody else does not throw", async () => {
    const { useCapture } = await import("../../src/react/index.js");
    const { DEFAULTS } = await import("../../src/core/index.js");
    const Own = () => (
      <p>{useCapture({ settings: { ...DEFAULTS, cameraId: "a" }, autoStart: true }).snapshot.camera}</p>
    );
    expect(renderToString(<Own />)).toBe("<p>off</p>");
  });
});
