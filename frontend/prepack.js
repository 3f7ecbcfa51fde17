/** Builds the npm package before it is packed; in a fresh clone, installs the tools for that first. */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const npm = process.env.npm_execpath;
if (npm === undefined) throw new Error("expected to be run by npm, as `npm pack` does");

const run = (...args) => {
  // What npm prints on stdout is the name of the package; programs read it.
  const { status } = spawnSync(process.execPath, [npm, ...args], { stdio: ["inherit", 2, "inherit"] });
  if (status !== 0) process.exit(status ?? 1);
};

// NODE_ENV=production would leave out the tools.
if (!existsSync("node_modules/vite")) run("ci", "--ignore-scripts", "--include=dev");
run("run", "build:lib");
