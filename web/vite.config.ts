import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { inventedWard } from "./dev/invented_ward.ts";

// The built application goes into the Python package, whose server sends it: hashed files are kept by browsers for ever,
// index.html never. Nothing is written into the page itself (scripts, styles, data:), because the server's
// Content-Security-Policy allows files of its own origin only.
export default defineConfig({
  base: "/",
  plugins: [react(), inventedWard()],
  css: { preprocessorOptions: { scss: { quietDeps: true } } },
  build: {
    outDir: "../src/caretwin/serve/web/static",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    sourcemap: false,
    reportCompressedSize: false,
  },
  server: { host: "127.0.0.1" },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
