// Vitest for the snippets of docs/: an author has no such file. In the checkout the kit's own door stands for the package's.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { alias: { "sluice/testing": fileURLToPath(new URL("../../host/testing.ts", import.meta.url)) } },
  test: { testTimeout: 60_000 },
});
