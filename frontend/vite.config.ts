import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import { tanstackRouter } from "@tanstack/router-plugin/vite";
import react from "@vitejs/plugin-react";
import { loadEnv, type Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** Serves MSW's worker from node_modules, in mock mode only, so that no real build ever ships it. */
function mockWorker(): Plugin {
  const name = "mockServiceWorker.js";
  const source = () => readFile(createRequire(import.meta.url).resolve("msw/mockServiceWorker.js"), "utf8");
  return {
    name: "crontopus:mock-worker",
    configureServer(server) {
      server.middlewares.use(`/${name}`, (_request, response, next) => {
        source().then((text) => {
          response.setHeader("Content-Type", "text/javascript");
          response.end(text);
        }, next);
      });
    },
    async generateBundle() {
      this.emitFile({ type: "asset", fileName: name, source: await source() });
    },
  };
}

export default defineConfig(({ mode }) => {
  const env = loadEnv(mode, import.meta.dirname, ["VITE_", "CRONTOPUS_"]);
  const mocked = env.VITE_MOCK === "1";
  const backend = env.CRONTOPUS_DEV_BACKEND ?? "http://127.0.0.1:8000";
  return {
    plugins: [
      // The router's plugin must come before React's: it rewrites route files into lazily loaded parts.
      tanstackRouter({ target: "react", autoCodeSplitting: true, quoteStyle: "double", semicolons: true }),
      react(),
      tailwindcss(),
      ...(mocked ? [mockWorker()] : []),
    ],
    resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
    build: {
      target: "es2022",
      // The content security policy has no `data:` for scripts, styles or fonts.
      assetsInlineLimit: 0,
      rollupOptions: { input: ["index.html", "api-docs.html"] },
    },
    server: {
      port: 5173,
      strictPort: true,
      // In mock mode the worker answers; a proxy would only hide a handler that is missing.
      proxy: mocked
        ? {}
        : Object.fromEntries(["/api", "/ping", "/git", "/badge"].map((path) => [path, backend])),
    },
    test: {
      environment: "jsdom",
      setupFiles: ["./src/test/setup.ts"],
      include: ["src/**/*.test.{ts,tsx}"],
      restoreMocks: true,
      testTimeout: 30_000,
    },
  };
});
