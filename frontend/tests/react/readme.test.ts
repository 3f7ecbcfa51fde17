import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const README = readFileSync("README.md", "utf8");

function namesIn(file: string, interfaceName: string): string[] {
  const [, body = ""] = readFileSync(`src/react/${file}`, "utf8").split(
    `export interface ${interfaceName} {`,
  );
  return [...body.slice(0, body.indexOf("\n}")).matchAll(/^ {2}readonly (\w+)/gm)].map(
    ([, name]) => name ?? "",
  );
}

describe("README.md", () => {
  it.each([
    ["skysentry-client.tsx", "SkySentryClientProps"],
    ["use-viewer.ts", "UseViewerOptions"],
    ["camera-grid.tsx", "CameraGridProps"],
  ])("explains everything in %s that %s takes", (file, interfaceName) => {
    const names = namesIn(file, interfaceName);
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !README.includes(`\`${name}\``))).toEqual([]);
  });

  it("names every entry of the package", () => {
    const { exports } = JSON.parse(readFileSync("package.json", "utf8")) as { exports: object };
    const names = Object.keys(exports).map((entry) => `\`skysentry-trio${entry.slice(1)}\``);
    expect(names.filter((name) => !README.includes(name))).toEqual(["`skysentry-trio/package.json`"]);
  });
});
