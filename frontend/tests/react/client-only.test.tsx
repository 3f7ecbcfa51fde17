// @vitest-environment happy-dom
import { act } from "react";
import { createRoot, hydrateRoot, type Root } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { clientOnly } from "../../src/react/client-only.js";

const Random = clientOnly<{ label: string }>(({ label }) => <b>{`${label} ${Math.random()}`}</b>, "Random");

beforeEach(() => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
});

describe("clientOnly", () => {
  it("renders at once in a page that no server has rendered", () => {
    const host = document.createElement("div");
    const root = createRoot(host);
    act(() => root.render(<Random label="here" />));
    expect(host.textContent).toMatch(/^here/);
    act(() => root.unmount());
  });

  it("hydrates without a mismatch, although server and browser render different things", () => {
    const complaints = vi.spyOn(console, "error");
    const host = document.createElement("div");
    host.innerHTML = renderToString(<Random label="here" />);
    expect(host.textContent).toBe("");
    const onRecoverableError = vi.fn();
    let root: Root | undefined;
    act(() => {
      root = hydrateRoot(host, <Random label="here" />, { onRecoverableError });
    });
    expect(host.textContent).toMatch(/^here/);
    expect(onRecoverableError).not.toHaveBeenCalled();
    expect(complaints).not.toHaveBeenCalled();
    act(() => root?.unmount());
  });
});
