import { createHash } from "node:crypto";
import type { Plugin } from "vite";

const WORKER = "service-worker.js";

/** Writes into the service worker which files the build has, and a version that changes with each of them. */
export function offline(): Plugin {
  return {
    name: "offline",
    apply: "build",
    enforce: "post",
    generateBundle(_, bundle) {
      const worker = bundle[WORKER];
      if (worker?.type !== "chunk") return this.error(`expected a chunk ${WORKER}`);
      if (worker.imports.length > 0) return this.error(`expected ${WORKER} to import nothing`);
      const files = Object.keys(bundle).filter((name) => name.startsWith("assets/"));
      const version = createHash("sha256").update(JSON.stringify(files.sort()));
      for (const page of Object.values(bundle)) {
        if (page.type === "asset" && page.fileName.endsWith(".html")) version.update(page.source);
      }
      const build = { version: version.digest("hex").slice(0, 12), files };
      worker.code = worker.code.replace("__BUILD__", () => JSON.stringify(build));
    },
  };
}
