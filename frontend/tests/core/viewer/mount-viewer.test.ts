// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from "vitest";
import { mountViewer } from "../../../src/core/viewer/mount-viewer.js";
import { envelope, fakeNetwork } from "../../fakes.js";

const visibility = (state: DocumentVisibilityState) => {
  vi.spyOn(document, "visibilityState", "get").mockReturnValue(state);
  document.dispatchEvent(new Event("visibilitychange"));
};

beforeEach(() => {
  vi.stubGlobal("Worker", undefined);
  vi.stubGlobal("createImageBitmap", () => Promise.resolve({ width: 4, height: 2, close: vi.fn() }));
});

describe("a mounted viewer", () => {
  it("paints the frames of its session, until it is unmounted", async () => {
    const network = fakeNetwork();
    const viewer = mountViewer({ server: "http://host/", openSocket: network.open });
    viewer.painter.open("a");
    network.last.accept();
    network.last.binary(envelope("a", 7));
    await vi.waitFor(() =>
      expect(network.last.sentMessages("ack")).toMatchObject([{ clientId: "a", sequence: 7 }]),
    );
    viewer.unmount();
    expect(network.last.readyState).toBe(3);
    expect(viewer.session.snapshot.getSnapshot().link).toBe("stopped");
  });

  it("pauses while the page is hidden", () => {
    const network = fakeNetwork();
    visibility("hidden");
    const viewer = mountViewer({ server: "http://host/", openSocket: network.open });
    network.last.accept();
    expect(network.last.sentMessages("pause")).toHaveLength(1);
    visibility("visible");
    expect(network.last.sentMessages("resume")).toHaveLength(1);
    viewer.unmount();
    visibility("hidden");
    expect(viewer.session.snapshot.getSnapshot().paused).toBe(false);
  });

  it("is not mounted with an invalid address", () => {
    expect(() => mountViewer({ server: "ftp://host/" })).toThrow(TypeError);
  });
});
