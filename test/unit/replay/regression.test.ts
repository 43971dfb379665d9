// A recording as a regression test: what the gray filter decided when it was made, it decides today; for no more fuel. Made
// with a harness and `record: true`; made anew when the filter is meant to decide otherwise.
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { compile, replay } from "../../../sdk/testing/index.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const RECORDING = resolve(ROOT, "test/data/recordings/gray.jsonl");

test("gray decides as recorded, and needs at most a tenth more fuel", async () => {
  const wasm = await compile(resolve(ROOT, "filters/gray/assembly/index.ts"), "release");
  const report = await replay(RECORDING, wasm);
  expect(report).toMatchObject({
    filter: "gray",
    compared: 9,
    differing: 0,
    fields: [],
    a: { fault: "", diverged: 0 },
  });
  for (const { callback, recorded, a } of report.fuel)
    expect([callback, (a ?? 0) <= (recorded ?? 0) * 1.1]).toEqual([callback, true]);
});

test("a rule that takes other users is found by it", async () => {
  const wasm = await compile(resolve(ROOT, "filters/gray/assembly/index.ts"), "release");
  const rules = [{ name: "canary", percent: 100, key: "header:x-user-id", tag: "canary" }];
  const report = await replay(RECORDING, wasm, { source: wasm, config: { rules, defaultTag: "stable" } });
  expect(report.differing).toBeGreaterThan(0);
  const [field] = report.fields;
  expect(field).toMatchObject({ phase: "request_headers", field: "request.header.x-gray-tag" });
  expect(field?.examples[0]).toMatchObject({ a: "beta", b: "canary" });
});
