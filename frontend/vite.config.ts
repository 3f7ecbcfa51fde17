import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The built pages go into the Python package, which serves them: pages uncached, /assets/ for ever.
const SERVER = process.env.SKYSENTRY_SERVER ?? "http://localhost:8080";
// The server takes sockets from its own pages only, so what we pass on must look like one of those.
const toServer = { target: SERVER, changeOrigin: true, ws: true, rewriteWsOrigin: true };

export default defineConfig({
  // Relative, so that the pages work under any path prefix a proxy adds.
  base: "./",
  plugins: [react()],
  worker: { format: "es" },
  server: {
    proxy: {
      "/api": toServer,
      "/ws": toServer,
      "/stream/ws": toServer,
      "^/(capture|stream)(\\?.*)?$": {
        ...toServer,
        bypass: ({ url }) => (url?.startsWith("/capture") ? "/capture.html" : "/index.html"),
      },
    },
  },
  build: {
    outDir: "../src/skysentry_trio/web",
    emptyOutDir: true,
    target: "es2022",
    // The notices of the libraries built in travel with them, as their licences ask.
    license: { fileName: "licenses.md" },
    // Inlined assets would need data: in the Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: {
        index: "index.html",
        capture: "capture.html",
        element: "src/element/index.ts",
      },
      output: {
        // Pages of other sites name this one, so its name must not change from build to build.
        entryFileNames: (chunk) =>
          chunk.name === "element" ? "skysentry-viewer.js" : "assets/[name]-[hash].js",
      },
    },
  },
});
