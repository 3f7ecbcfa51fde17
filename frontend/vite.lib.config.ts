import { readFileSync } from "node:fs";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The npm package: three ES modules that share chunks. The app provides React.
export default defineConfig({
  base: "./",
  plugins: [
    react(),
    {
      // A separate file that no module imports, so that tools without a CSS loader can use the modules.
      name: "style",
      generateBundle() {
        this.emitFile({
          type: "asset",
          fileName: "style.css",
          source: ["skysentry.css", "viewer.css", "capture.css"]
            .map((name) => readFileSync(`src/react/${name}`, "utf8"))
            .join("\n"),
        });
      },
    },
  ],
  worker: { format: "es" },
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2022",
    minify: false,
    lib: {
      entry: {
        react: "src/react/index.ts",
        core: "src/core/index.ts",
        element: "src/element/index.ts",
      },
      formats: ["es"],
    },
    rolldownOptions: { external: ["react", "react-dom", "react/jsx-runtime"] },
  },
});
