import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const alias = { "sluice/testing": fileURLToPath(new URL("./host/testing.ts", import.meta.url)) };
const project = (name: string, include: string[], seconds = 20) => ({
  resolve: { alias },
  test: { name, include, testTimeout: seconds * 1000, hookTimeout: 60_000 },
});

export default defineConfig({
  test: {
    reporters: ["default"],
    projects: [
      project("unit", ["test/unit/**/*.test.ts"]),
      project("filters", ["filters/**/*.test.ts"], 60),
      project("conformance", ["test/conformance/**/*.test.ts"], 60),
      project("interop", ["test/interop/**/*.test.ts"], 60),
      project("e2e", ["test/e2e/**/*.test.ts"], 120),
      project("fault", ["test/fault/**/*.test.ts"], 60),
    ],
  },
});
