// The suites that Google publishes for its service-extensions samples, against filters of our own that do what each suite
// describes (test/support/guests/samples). The suites are no part of this project: the tests run where they lie beside it.
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { loadSuite } from "../../../host/suite/load.ts";
import { runSuite } from "../../../host/suite/run.ts";
import { Compiler } from "../../../sdk/build/index.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const SUITES = ["../shared", "../../shared"]
  .map((place) => resolve(ROOT, place, "data/google-plugin-suites"))
  .find((place) => existsSync(place));
const SAMPLES = join(ROOT, "test/support/guests/samples");

/** Suite -> file of its plugin configuration, as the samples' own build runs them. */
const CONFIGS: Readonly<Record<string, string>> = {
  "ad_insertion/tests.textpb": "tests.config",
  "cdn_token_generator/tests.textpb": "tests_config.textpb",
  "config_denylist/tests.textpb": "tests.config",
  "docs_plugin_config/tests.textpb": "tests.config",
  "enable_recaptcha/action_tests.textpb": "action_key.config",
  "enable_recaptcha/session_tests.textpb": "session_key.config",
  "redirect_bulk/tests.textpb": "config.data",
};
/** Named like a suite, but the configuration of one. */
const NO_SUITES = new Set(["cdn_token_generator/tests_config.textpb"]);

const suites =
  SUITES === undefined
    ? []
    : globSync("*/*tests*.textpb", { cwd: SUITES })
        .filter((name) => !NO_SUITES.has(name))
        .sort();
const samples = globSync("*/index.ts", { cwd: SAMPLES }).map(dirname).sort();
const compiler = new Compiler({ cacheDir: join(ROOT, "node_modules/.cache/sluice") });
afterAll(() => compiler.close());

test("every sample compiles", { timeout: 180_000 }, async () => {
  for (const sample of samples) {
    const { wasm } = await compiler.compile(join(SAMPLES, sample, "index.ts"), { mode: "debug" });
    expect(wasm.length).toBeGreaterThan(0);
  }
});

test.each([
  ["geo.textpb", "geo_directional_origin"],
  ["clock.textpb", "testing"],
])("our own suite %s is green", async (suite, sample) => {
  const { wasm } = await compiler.compile(join(SAMPLES, sample, "index.ts"), { mode: "debug" });
  const options = { wasm, config: "", nowMs: () => 0, benchMs: 0 };
  const report = runSuite(await loadSuite(join(ROOT, "test/data/suites", suite), ROOT), options);
  expect(report.tests.filter(({ ok }) => !ok)).toEqual([]);
  expect(report.tests.length).toBe(2);
});

describe.skipIf(SUITES === undefined)("published suites", () => {
  const folder = SUITES ?? "";

  test("there are 38 of 36 samples, and every one can be read", async () => {
    expect(new Set(suites.map(dirname)).size).toBe(36);
    expect(suites.length).toBe(38);
    for (const name of suites) {
      const suite = await loadSuite(join(folder, name), folder);
      expect(suite.tests.length).toBeGreaterThan(0);
    }
  });

  test.each(suites)("%s is green", async (name) => {
    const { wasm } = await compiler.compile(join(SAMPLES, dirname(name), "index.ts"), { mode: "debug" });
    const config = CONFIGS[name];
    const report = runSuite(await loadSuite(join(folder, name), folder), {
      wasm,
      config: config === undefined ? "" : readFileSync(join(folder, dirname(name), config), "utf8"),
      nowMs: () => performance.now(),
      benchMs: 1,
    });
    expect(report.tests.filter(({ ok }) => !ok)).toEqual([]);
  });
});
