import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The npm package: three ES modules that share chunks, React left to the app that uses them.
export default defineConfig({
  base: "./",
  plugins: [react()],
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
      cssFileName: "style",
    },
    rolldownOptions: { external: ["react", "react-dom", "react/jsx-runtime"] },
  },
});
