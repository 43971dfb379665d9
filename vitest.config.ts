import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const alias = { "sluice/testing": fileURLToPath(new URL("./host/testing.ts", import.meta.url)) };
const project = (name: string, include: string[], seconds = 20, env: Record<string, string> = {}) => ({
  resolve: { alias },
  test: { name, include, env, testTimeout: seconds * 1000, hookTimeout: 60_000 },
});

export default defineConfig({
  test: {
    reporters: ["default"],
    projects: [
      project("unit", ["test/unit/**/*.test.ts"]),
      project("filters", ["filters/**/*.test.ts"], 60),
      // The same files, unchanged, on the host that Envoy is: every filter falls back where sluice offers more.
      project("filters-envoy", ["filters/*/*.test.ts"], 60, { SLUICE_PROFILE: "envoy" }),
      project("conformance", ["test/conformance/**/*.test.ts"], 60),
      project("interop", ["test/interop/**/*.test.ts"], 60),
      project("e2e", ["test/e2e/**/*.test.ts"], 120),
      project("fault", ["test/fault/**/*.test.ts"], 60),
    ],
  },
});
