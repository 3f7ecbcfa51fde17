import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react()],
  test: {
    include: ["tests/**/*.test.{ts,tsx}"],
    testTimeout: 5000,
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
