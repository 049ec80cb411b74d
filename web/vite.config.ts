import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// Hot reload for the pages, the answers from a real server: TASKSCOPE_URL names another one.
const server = process.env.TASKSCOPE_URL ?? "http://127.0.0.1:8787";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../src/taskscope/server/static",
    emptyOutDir: true,
    target: "es2023",
    // The policy of the pages allows no inline content, so nothing is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: "manifest.json",
    reportCompressedSize: false,
  },
  server: {
    proxy: {
      "/api": { target: server, ws: true },
      "/metrics": { target: server },
    },
  },
  test: { include: ["src/**/*.test.{ts,tsx}"] },
});
