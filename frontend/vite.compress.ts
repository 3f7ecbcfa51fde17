import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

const COMPRESSIBLE = /\.(css|html|js|svg|webmanifest)$/;
/** A compressed file must save this part of the size; otherwise, it only makes the Python package larger. */
const WORTHWHILE = 0.9;

/** Writes a `.br` and a `.gz` file beside each file of the build. The server sends them, and compresses nothing itself. */
export function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    writeBundle({ dir = "." }, bundle) {
      for (const name of Object.keys(bundle).filter((name) => COMPRESSIBLE.test(name))) {
        const path = join(dir, name);
        const content = readFileSync(path);
        const brotli = { params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length } };
        const forms = [
          [".br", brotliCompressSync(content, brotli)],
          [".gz", gzipSync(content, { level: 9 })],
        ] as const;
        for (const [suffix, form] of forms) {
          if (form.length < content.length * WORTHWHILE) writeFileSync(path + suffix, form);
        }
      }
    },
  };
}
