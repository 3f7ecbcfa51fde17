// @vitest-environment happy-dom
import { describe, expect, it, vi } from "vitest";
import { SharedCanvases } from "../../../src/core/viewer/shared-canvases.js";

function build() {
  const close = vi.fn();
  const open = vi.fn(() => ({
    canvas: document.createElement("canvas"),
    snapshot: vi.fn(),
    picture: vi.fn(),
    setSize: vi.fn(),
    close,
  }));
  const place = () => document.body.appendChild(document.createElement("div"));
  return { canvases: new SharedCanvases({ open }), open, close, place };
}

describe("shared canvases", () => {
  it("have one canvas for each camera, which is where it was claimed last", () => {
    const { canvases, open, close, place } = build();
    const [tile, view] = [place(), place()];
    const leaveTile = canvases.claim("a", tile, 0);
    const { firstChild: canvas } = tile;
    const leaveView = canvases.claim("a", view, 1);
    expect(view.firstChild).toBe(canvas);
    leaveView();
    leaveView();
    expect(tile.firstChild).toBe(canvas);
    leaveTile();
    expect(open).toHaveBeenCalledTimes(1);
    expect(close).toHaveBeenCalledTimes(1);
    expect(canvases.surfaceOf("a")).toBeUndefined();
  });

  it("stay where they are when an earlier place is given up", () => {
    const { canvases, close, place } = build();
    const [tile, view] = [place(), place()];
    const leaveTile = canvases.claim("a", tile, 0);
    const leaveView = canvases.claim("a", view, 1);
    leaveTile();
    expect(view.childElementCount).toBe(1);
    expect(close).not.toHaveBeenCalled();
    leaveView();
    expect(close).toHaveBeenCalledTimes(1);
  });

  it("are in the place of the highest rank, although another place wants them later", () => {
    const { canvases, close, place } = build();
    const [tile, view] = [place(), place()];
    const leaveView = canvases.claim("a", view, 1);
    const leaveTile = canvases.claim("a", tile, 0);
    expect(view.childElementCount).toBe(1);
    leaveView();
    expect(tile.childElementCount).toBe(1);
    leaveTile();
    expect(close).toHaveBeenCalledTimes(1);
  });
});
