// Configurations: the generated decoder, its messages, and the JSON Schema that says the same.
import { beforeAll, describe, expect, test } from "vitest";
import type { Compiled } from "../../../sdk/build/index.ts";
import { buildGuest, GuestKit } from "../../support/guest-kit.ts";

const DEFAULTS = "true n info -5 7 0 0 0.5 250000000 16777216 10.0 100/1000000000 a+b    /100 null null";

const GOOD: [config: string, seen: string][] = [
  ["", DEFAULTS],
  [" \n", DEFAULTS],
  ["{}", DEFAULTS],
  ['{"enabled":false}', DEFAULTS.replace("true", "false")],
  ['{"name":"q\\u00fc\\ud83c\\udf89\\n\\"\\\\\\/"}', DEFAULTS.replace(" n ", ' qü🎉\n"\\/ ')],
  ['{"level":"warn"}', DEFAULTS.replace("info", "warn")],
  ['{"small":-2147483648,"count":4294967295}', DEFAULTS.replace("-5 7", "-2147483648 4294967295")],
  [
    '{"big":-9223372036854775808,"huge":18446744073709551615}',
    DEFAULTS.replace("0 0 0.5", "-9223372036854775808 18446744073709551615 0.5"),
  ],
  ['{"small":1.0,"count":1.5e2}', DEFAULTS.replace("-5 7", "1 150")],
  ['{"ratio":-1.25e-3}', DEFAULTS.replace("0.5", "-0.00125")],
  ['{"wait":"1.5s","limit":"1.5KiB"}', DEFAULTS.replace("250000000 16777216", "1500000000 1536")],
  ['{"share":12.5,"rate":"5/10s"}', DEFAULTS.replace("10.0 100/1000000000", "12.5 5/10000000000")],
  ['{"tags":[],"ports":[80,443]}', DEFAULTS.replace("a+b ", " 80+443")],
  ['{"labels":{"k":"v","l":""}}', DEFAULTS.replace("a+b    ", "a+b  k+l v+ ")],
  ['{"first":{"path":"/x"},"maybe":{"path":"/m"},"note":"hi"}', DEFAULTS.replace("/100 null null", "/x100 /m hi")],
  ['{"maybe":null,"note":null}', DEFAULTS],
  ['{"rules":[{"percent":5},{"path":"/b"}]}', `${DEFAULTS} /5 /b100`],
];

const BAD: [config: string, message: string][] = [
  ['{"nmae":"x"}', 'at /nmae: unknown key, did you mean "name"?'],
  ['{"zzzzzz":1}', "at /zzzzzz: unknown key"],
  ['{"rules":[{},{"percnt":5}]}', 'at /rules/1/percnt: unknown key, did you mean "percent"?'],
  ['{"rules":[{"percent":1},{"percent":120}]}', "at /rules/1/percent: expected 0-100, got 120"],
  ['{"rules":[{"path":"b"}]}', "at /rules/0: path must begin with /"],
  ['{"rules":{}}', "at /rules: expected a list, got an object"],
  ['{"first":[]}', "at /first: expected an object, got a list"],
  ['{"level":"wran"}', 'at /level: expected one of info,warn, got "wran", did you mean "warn"?'],
  ['{"name":1}', "at /name: expected a string, got a number"],
  ['{"enabled":"yes"}', "at /enabled: expected true or false, got a string"],
  ['{"count":-1}', "at /count: expected an integer 0-4294967295, got -1"],
  ['{"count":4294967296}', "at /count: expected an integer 0-4294967295, got 4294967296"],
  ['{"count":1.5}', "at /count: expected an integer 0-4294967295, got 1.5"],
  ['{"count":"1"}', "at /count: expected an integer 0-4294967295, got a string"],
  ['{"small":1e99}', "at /small: expected an integer -2147483648 to 2147483647, got 1e99"],
  ['{"huge":18446744073709551616}', "at /huge: expected an integer from 0, got 18446744073709551616"],
  ['{"ratio":null}', "at /ratio: expected a number, got null"],
  ['{"wait":"250"}', 'at /wait: expected a duration from 1ms to 10s, got "250"'],
  ['{"wait":"11s"}', 'at /wait: expected a duration from 1ms to 10s, got "11s"'],
  ['{"limit":"3 parsecs"}', 'at /limit: expected a size such as "16MiB", got "3 parsecs"'],
  ['{"share":100.5}', "at /share: expected 0-100, got 100.5"],
  ['{"rate":"fast"}', 'at /rate: expected a rate such as "100/s", got "fast"'],
  ['{"ports":[80,70000]}', "at /ports/1: expected an integer 0-65535, got 70000"],
  ['{"labels":{"k":1}}', "at /labels/k: expected a string, got a number"],
  ['{"name":"info"}', "name and level must differ"],
  ['{"hidden":1}', "at /hidden: unknown key"],
  ['{"name":"a","name":"b"}', "at /name: duplicate key"],
  ["[]", "expected an object, got a list"],
  ["null", "expected an object, got null"],
  ['{"name":"a"} x', "unexpected text after the end"],
  ['{"name":"a",}', "at /name: a comma before the end"],
  ['{"name":"a" "level":"warn"}', "at /name: expected ',' or '}'"],
  ['{"name" "a"}', "at /name: expected ':' after the key"],
  ['{"name":"a', "at /name: a string without end"],
  ['{"name":"\\x"}', "at /name: an unknown escape in a string"],
  ['{"name":"\\u12"}', "at /name: four hex digits must follow \\u"],
  ['{"count":01}', "at /count: expected an integer 0-4294967295, got a number"],
  ["{", "expected a string, got the end"],
];

describe("configurations", () => {
  let built: Compiled;
  beforeAll(async () => {
    built = await buildGuest("config");
  });

  test.each(GOOD)("%j is accepted", (config, seen) => {
    const kit = GuestKit.started(built.wasm, config);
    expect(kit.log).toEqual([]);
    expect(kit.configured).toBe(true);
    kit.open(2);
    kit.requestHeaders(2, []);
    expect(kit.log).toEqual([[2, seen]]);
  });

  test.each(BAD)("%j is refused with a reason", (config, message) => {
    const kit = GuestKit.started(built.wasm, config);
    expect(kit.configured).toBe(false);
    expect(kit.log).toEqual([[4, `all: ${message}`]]);
  });

  test("nesting ends at 32 levels", () => {
    const kit = GuestKit.started(built.wasm, `{"rules":${"[".repeat(40)}`);
    expect(kit.configured).toBe(false);
  });

  test("the schema says the same", () => {
    expect(built.schema).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      title: "all",
      description: "Options of the whole filter.",
      type: "object",
      additionalProperties: false,
    });
    const { properties } = built.schema as { properties: Record<string, object> };
    expect(Object.keys(properties)).toEqual([
      "enabled",
      "name",
      "level",
      "small",
      "count",
      "big",
      "huge",
      "ratio",
      "wait",
      "limit",
      "share",
      "rate",
      "tags",
      "ports",
      "labels",
      "first",
      "maybe",
      "note",
      "rules",
    ]);
    expect(properties["enabled"]).toEqual({ type: "boolean", default: true, description: "Inherited by all." });
    expect(properties["level"]).toEqual({ type: "string", enum: ["info", "warn"], default: "info" });
    expect(properties["count"]).toEqual({ type: "integer", minimum: 0, maximum: 4294967295, default: 7 });
    expect(properties["huge"]).toEqual({ type: "integer", minimum: 0, default: 0 });
    expect(properties["wait"]).toMatchObject({ type: "string", default: "250ms", $comment: "from 1ms to 10s" });
    expect(properties["share"]).toEqual({ type: "number", minimum: 0, maximum: 100, default: 10 });
    expect(properties["tags"]).toEqual({ type: "array", items: { type: "string" }, default: ["a", "b"] });
    expect(properties["labels"]).toEqual({ type: "object", additionalProperties: { type: "string" }, default: {} });
    expect(properties["note"]).toEqual({ type: ["string", "null"], default: null });
    expect(properties["rules"]).toMatchObject({
      type: "array",
      items: {
        type: "object",
        additionalProperties: false,
        properties: {
          percent: { type: "integer", minimum: 0, maximum: 100, default: 100, description: "Share of requests." },
        },
      },
    });
  });
});
