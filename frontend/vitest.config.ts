import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react()],
  test: {
    include: ["tests/**/*.test.{ts,tsx}"],
    setupFiles: ["tests/setup.ts"],
    // A busy machine may pause a test for seconds; only a test that hangs needs this limit.
    testTimeout: 30_000,
    restoreMocks: true,
    unstubGlobals: true,
    coverage: {
      provider: "v8",
      include: ["src/core/**"],
      exclude: ["src/core/index.ts"],
      reporter: ["text"],
      thresholds: { lines: 90, functions: 90, statements: 90, branches: 85 },
    },
  },
});
