import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { compressed } from "./vite.compress";
import { offline } from "./vite.offline";

// The pages are built into the Python package. The server lets browsers cache /assets/ for ever, but not the pages.
const SERVER = process.env.SKYSENTRY_SERVER ?? "http://localhost:8080";
// The server accepts WebSockets only from its own pages, so forwarded requests must have its origin.
const toServer = { target: SERVER, changeOrigin: true, ws: true, rewriteWsOrigin: true };

/** Other sites refer to the element, and browsers to the service worker, so their names are the same in every build. */
const FIXED_NAMES: Partial<Record<string, string>> = {
  element: "skysentry-viewer.js",
  "service-worker": "service-worker.js",
};

export default defineConfig({
  // Relative, so that the pages work under any path prefix of a proxy.
  base: "./",
  plugins: [react(), offline(), compressed()],
  worker: { format: "es" },
  server: {
    proxy: {
      "/api": toServer,
      "/ws": toServer,
      "/stream/ws": toServer,
      "^/(capture|stream|sign-in|admin)(\\?.*)?$": {
        ...toServer,
        bypass: ({ url }) => {
          const name = /^\/(capture|sign-in|admin)/.exec(url ?? "")?.[1] ?? "index";
          return `/${name}.html`;
        },
      },
    },
  },
  build: {
    outDir: "../src/skysentry_trio/web",
    emptyOutDir: true,
    target: "es2022",
    // The libraries' licences require that their notices are distributed with them.
    license: { fileName: "licenses.md" },
    // Inlined assets would require data: in the Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: {
        index: "index.html",
        capture: "capture.html",
        "sign-in": "sign-in.html",
        admin: "admin.html",
        element: "src/element/index.ts",
        "service-worker": "src/pages/service-worker.ts",
      },
      output: {
        entryFileNames: ({ name }) => FIXED_NAMES[name] ?? "assets/[name]-[hash].js",
      },
    },
  },
});
