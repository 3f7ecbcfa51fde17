// @vitest-environment happy-dom
import { act } from "react";
import { describe, expect, it, vi } from "vitest";
import { IconButton } from "../../src/react/icon-button.js";
import { host, mountForEach, render } from "./mounting.js";

mountForEach();

describe("a button with an icon", () => {
  it("hides its label, which is the tooltip unless another is set", () => {
    render(<IconButton icon="play" label="Play" />);
    const button = host.querySelector("button");
    expect(button?.className).toBe("sky-button sky-button--icon");
    expect(button?.title).toBe("Play");
    expect(button?.querySelector(".sky-visually-hidden")?.textContent).toBe("Play");
    render(<IconButton icon="play" label="Play the door" title="Play" />);
    expect(host.querySelector("button")?.title).toBe("Play");
  });

  it("shows its label when asked to, without a tooltip", () => {
    render(<IconButton icon="play" label="Start" labelShown className="sky-button--primary" />);
    const button = host.querySelector("button");
    expect(button?.className).toBe("sky-button sky-button--primary");
    expect(button?.hasAttribute("title")).toBe(false);
    expect(button?.querySelector(".sky-visually-hidden")).toBeNull();
  });

  it("passes attributes on to the button", () => {
    const onClick = vi.fn();
    render(<IconButton icon="boxes" label="Boxes" aria-pressed onClick={onClick} />);
    act(() => host.querySelector("button")?.click());
    expect(onClick).toHaveBeenCalledTimes(1);
    expect(host.querySelector("button")?.getAttribute("aria-pressed")).toBe("true");
  });
});
