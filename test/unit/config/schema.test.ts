import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { nearest } from "../../../host/config/suggest.ts";
import { schemaText } from "../../../host/config/write-schema.ts";

const file = readFileSync(new URL("../../../schema/sluice.schema.json", import.meta.url), "utf8");

/** Every object of the schema that describes properties. */
function objects(node: unknown, path = "#"): [string, Record<string, unknown>][] {
  if (typeof node !== "object" || node === null) return [];
  const here = node as Record<string, unknown>;
  const inner = Object.entries(here).flatMap(([key, value]) => objects(value, `${path}/${key}`));
  return "properties" in here && !path.endsWith("/properties") ? [[path, here], ...inner] : inner;
}

describe("the published schema", () => {
  test("is current (npm run schema)", () => {
    expect(file).toBe(schemaText());
  });

  test("is draft 2020-12 and allows no unknown key anywhere", () => {
    const schema = JSON.parse(file);
    expect(schema.$schema).toBe("https://json-schema.org/draft/2020-12/schema");
    const open = objects(schema).filter(([, one]) => one["additionalProperties"] !== false);
    expect(open.map(([path]) => path)).toEqual([]);
  });

  test("says what every key is for", () => {
    const silent = objects(JSON.parse(file)).flatMap(([path, one]) =>
      Object.entries(one["properties"] as Record<string, Record<string, unknown>>)
        .filter(([, property]) => typeof property["description"] !== "string")
        .map(([key]) => `${path}/${key}`),
    );
    expect(silent).toEqual([]);
  });
});

describe("did you mean", () => {
  test.each([
    ["rutes", "routes"],
    ["Listeners", "listeners"],
    ["lsiteners", "listeners"],
    ["failure_policy", "failurePolicy"],
    ["xyz", null],
    ["", null],
  ])("finds what %s stands near to", (given, expected) => {
    expect(nearest(given, ["routes", "listeners", "failurePolicy", "clusters"])).toBe(expected);
  });
});
