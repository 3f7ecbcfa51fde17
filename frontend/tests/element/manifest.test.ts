// @vitest-environment happy-dom
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { SkySentryViewerElement } from "../../src/element/index.js";

interface Manifest {
  modules: {
    declarations: {
      name: string;
      tagName: string;
      attributes: { name: string; description: string }[];
      members: { name: string }[];
    }[];
  }[];
}

describe("custom-elements.json", () => {
  const manifest = JSON.parse(readFileSync("custom-elements.json", "utf8")) as Manifest;
  const declaration = manifest.modules[0]?.declarations[0];

  it("describes every attribute that the element reads, and the one that it sets", () => {
    expect(declaration?.attributes.map(({ name }) => name)).toEqual([
      ...SkySentryViewerElement.observedAttributes,
      "status",
    ]);
  });

  it("names the element and its methods as the code does", () => {
    expect(declaration?.name).toBe(SkySentryViewerElement.name);
    expect(customElements.get(declaration?.tagName ?? "")).toBe(SkySentryViewerElement);
    const ours = Object.getOwnPropertyNames(SkySentryViewerElement.prototype).filter(
      (name) => typeof Reflect.get(HTMLElement.prototype, name) === "undefined",
    );
    for (const { name } of declaration?.members ?? []) expect(ours).toContain(name);
  });
});
