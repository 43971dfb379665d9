// What every filter's folder promises: its options table is the one of its schema, and its examples are accepted.
import { globSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, test } from "vitest";
import { build, readmeExamples, readmeOf, refusalOf } from "../sdk/testing/index.ts";

const folders = globSync("filters/*/").sort();

describe.each(folders.map((folder) => [basename(folder), folder] as const))("README of %s", (_name, folder) => {
  test("the options table is made from the configuration's schema", async () => {
    const { schema } = await build(folder);
    const { path, text } = await readmeOf(folder, schema);
    await expect(text).toMatchFileSnapshot(`../${path}`);
  });

  test("the filter accepts the examples", async () => {
    const examples = await readmeExamples(folder);
    expect(examples.length).toBeGreaterThan(0);
    const { wasm } = await build(folder);
    for (const config of examples) expect(await refusalOf(wasm, config)).toBeNull();
  });
});
