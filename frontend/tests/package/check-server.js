/** Imports every entry of the built package in plain Node.js, by its public name, and renders it as a server does. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createElement } from "react";
import { renderToString } from "react-dom/server";

const require = createRequire(import.meta.url);
const { exports: entries } = JSON.parse(readFileSync("package.json", "utf8"));
for (const [entry, target] of Object.entries(entries)) {
  const name = `skysentry-trio${entry.slice(1)}`;
  const file = typeof target === "string" ? target : target.default;
  if (file.endsWith(".js")) assert.equal(typeof (await import(name)), "object", name);
  else assert.ok(readFileSync(new URL(import.meta.resolve(name))).length > 0, name);
  // Node.js 20.19 and newer load modules by require, too.
  if (file.endsWith(".js") || file.endsWith(".json")) assert.equal(typeof require(name), "object", name);
}

for (const name of ["react", "element"]) {
  assert.match(readFileSync(`dist/${name}.js`, "utf8"), /^"use client";/, `dist/${name}.js`);
}

const { default: SkySentryClient, CameraGrid, useViewer } = await import("skysentry-trio");
const Page = () =>
  createElement(
    "main",
    null,
    createElement(SkySentryClient, { clientId: "front-door", autoStartCamera: true, frameRate: 15 }),
    createElement(CameraGrid, { viewer: useViewer() }),
  );
assert.equal(renderToString(createElement(Page)), "<main></main>");
