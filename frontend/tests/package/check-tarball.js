/** Packs the package, which must be built, and lets publint and attw judge what a stranger would install. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const run = (script, ...args) =>
  execFileSync(process.execPath, [script, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
const folder = mkdtempSync(join(tmpdir(), "skysentry-pack-"));
try {
  // The two tools could pack by themselves, but with an npm that not every installation of Node.js has on its path.
  const npm = process.env.npm_execpath;
  const [packed] = JSON.parse(run(npm, "pack", "--json", "--ignore-scripts", "--pack-destination", folder));
  const files = packed.files.map(({ path }) => path);
  for (const file of [
    "README.md",
    "custom-elements.json",
    "dist/LICENSE",
    "dist/react.js",
    "dist/types/react/index.d.ts",
  ]) {
    assert.ok(files.includes(file), `expected ${file} in the package, got ${files.join(", ")}`);
  }
  const tarball = join(folder, packed.filename);
  process.stdout.write(run("node_modules/publint/src/cli.js", "run", tarball, "--strict"));
  process.stdout.write(
    run("node_modules/@arethetypeswrong/cli/dist/index.js", tarball, "--profile", "esm-only"),
  );
} finally {
  rmSync(folder, { recursive: true });
}
