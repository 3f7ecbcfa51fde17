/** Renders React components into a new element for each test. */
import { act, type ReactNode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, vi } from "vitest";

let root: Root;
export let host: HTMLElement;

/** Provides `host` and `render` to the tests of a file. */
export function mountForEach(): void {
  beforeEach(() => {
    vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
    host = document.createElement("div");
    document.body.append(host);
    root = createRoot(host);
  });
  afterEach(() => {
    act(() => root.unmount());
    host.remove();
  });
}

export function render(page: ReactNode): void {
  act(() => root.render(page));
}

/** Renders, and waits for the promises that this starts. */
export async function settle(page: ReactNode): Promise<void> {
  await act(async () => {
    root.render(page);
    await new Promise((resolve) => setTimeout(resolve, 20));
  });
}
