// The templates of `sluice new` as they come out: each compiles without a word, its test passes on every host it is for,
// and its header filter stays within what a first filter may weigh.
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { codeSize } from "../../../sdk/build/index.ts";
import { build } from "../../../sdk/testing/index.ts";
import { run } from "../cli/support.ts";

const ROOT = join(import.meta.dirname, "../../..");
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(ROOT, "node_modules/.cache-templates-"));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(["http", "header", "tcp", "auth", "body"])("template %s", (template) => {
  const name = `a-${template}`;

  test("compiles as it is", async () => {
    const { code, err } = await run(["new", name, "--template", template], { cwd: folder });
    expect([code, err]).toEqual([0, expect.stringContaining(template === "http" ? "npm test" : name)]);
    const built = await build(join(folder, "filters", name), template === "http" ? "release" : "debug");
    expect(built.diagnostics).toEqual([]);
    expect(built.info).toMatchObject({ name, version: "0.1.0", kind: template === "tcp" ? "tcp" : "http" });
    if (template === "http") expect(codeSize(built.wasm)).toBeLessThanOrEqual(20 * 1024);
  });

  test("leaves no placeholder behind", () => {
    for (const file of ["README.md", "filter.json", `${name}.test.ts`, `assembly/${name}.ts`, "assembly/index.ts"])
      expect(readFileSync(join(folder, "filters", name, file), "utf8")).not.toMatch(/__[Nn]ame__|__version__/);
  });
});
