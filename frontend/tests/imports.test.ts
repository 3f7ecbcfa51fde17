/** Imports go in circles nowhere, also if they are only of types: a reader can begin with the file that imports nothing. */

import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..", "src");
const IMPORTED = /\b(?:from|import)\s*\(?\s*"(\.[^"]+)\.js"/g;

function imports(): Map<string, string[]> {
  const files = readdirSync(ROOT, { recursive: true, encoding: "utf8" }).filter((file) =>
    /\.tsx?$/.test(file),
  );
  const named = new Map(files.map((file) => [file.replace(/\.tsx?$/, ""), file]));
  return new Map(
    files.map((file) => {
      const text = readFileSync(join(ROOT, file), "utf8");
      const paths = [...text.matchAll(IMPORTED)].map(([, path = ""]) => join(dirname(file), path));
      return [file, paths.flatMap((path) => named.get(path) ?? [])];
    }),
  );
}

it("has no circle of imports", () => {
  const left = imports();
  expect([...left.values()].flat().length).toBeGreaterThan(left.size);
  for (;;) {
    const free = [...left].filter(([, paths]) => !paths.some((path) => left.has(path)));
    if (free.length === 0) break;
    for (const [file] of free) left.delete(file);
  }
  // Those that are in a circle, and those that import one of them.
  expect([...left.keys()]).toEqual([]);
});
