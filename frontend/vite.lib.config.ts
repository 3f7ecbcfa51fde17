import { readdirSync, readFileSync } from "node:fs";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/**
 * Emits the files beside the modules. No module imports the style, so that tools without a CSS loader can use the
 * modules.
 */
function besides(): Plugin {
  const styles = (): string[] => readdirSync("src/react").filter((name) => name.endsWith(".css"));
  return {
    name: "besides",
    generateBundle() {
      const emit = (fileName: string, source: string) => this.emitFile({ type: "asset", fileName, source });
      const content = styles()
        .sort()
        .map((name) => readFileSync(`src/react/${name}`, "utf8"));
      emit("style.css", content.join("\n"));
      // TypeScript asks for types even of an import that has only an effect.
      emit("style.d.ts", "export {};\n");
      // `skysentry-trio/jsx` has only types.
      emit("jsx.js", "export {};\n");
      emit("LICENSE", readFileSync("../LICENSE", "utf8"));
    },
  };
}

const WORKER = /new Worker\(new URL\("(\.\/[\w.-]+)", import\.meta\.url\), \{ type: "module" \}\)/g;

/**
 * Puts the code of the workers into the modules. Bundlers do not agree on how a package refers to a file of its own:
 * Vite's development server, for example, moves the modules and not their workers.
 */
function inlineWorkers(): Plugin {
  return {
    name: "inline-workers",
    enforce: "pre",
    transform(code) {
      const imports: string[] = [];
      const inlined = code.replaceAll(WORKER, (_, file: string) => {
        imports.push(`import InlineWorker${imports.length} from "${file}?worker&inline";`);
        return `new InlineWorker${imports.length - 1}()`;
      });
      if (/new Worker\(\s*new URL/.test(inlined))
        this.error("expected `new Worker(new URL(...), ...)` as written elsewhere");
      return imports.length > 0 ? { code: `${imports.join(" ")} ${inlined}`, map: null } : null;
    },
  };
}

// The npm package: three ES modules that share chunks. The app provides React.
export default defineConfig({
  base: "./",
  publicDir: false,
  plugins: [inlineWorkers(), react(), besides()],
  worker: { format: "es" },
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2022",
    minify: false,
    license: { fileName: "licenses.md" },
    lib: {
      entry: {
        react: "src/react/index.ts",
        core: "src/core/index.ts",
        element: "src/element/index.ts",
      },
      formats: ["es"],
    },
    rolldownOptions: {
      external: ["react", "react-dom", "react/jsx-runtime"],
      output: {
        // Frameworks with server components must run hooks and elements in the browser.
        banner: ({ isEntry, name }) => (isEntry && name !== "core" ? '"use client";' : ""),
      },
    },
  },
});
