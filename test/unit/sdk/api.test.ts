// The SDK's API: it changes only on purpose (sdk/api-report.md), every part of it is documented, and the doors that filters
// import stay as small as their budgets.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readApi } from "../../../sdk/build/api.ts";
import { apiReport, DOORS, REPORT, SDK } from "../../../sdk/build/api-report.ts";
import { HOST_FUNCTIONS } from "../../../sdk/build/host-functions.ts";

describe("the API", () => {
  test("is what the report says; after a change on purpose run npm run api-report", () => {
    expect(apiReport()).toBe(readFileSync(join(SDK, REPORT), "utf8"));
  });

  test.each(Object.keys(DOORS))("every export of %s, and every public member, says what it does", (door) => {
    const silent = readApi(SDK, door).flatMap(({ file, name, doc, signature, members }) => [
      ...(doc === "" ? [`${file}: ${name}`] : []),
      // Values of an enumeration have names that speak; what a class overrides is documented where it is declared.
      ...(/\benum\b/.test(signature) ? [] : members)
        .filter((one) => one.doc === "" && !one.isOverride && one.name !== "constructor")
        .map((one) => `${file}: ${name}.${one.name}`),
    ]);
    expect(silent).toEqual([]);
  });

  test("times, sizes and shares name their unit, in the name or in the words beside it", () => {
    const unit = /nano|milli|\bms\b|second|byte|percent|fraction|Duration|0 to 1|\[0, 1\)|Ms\b|Nanos|Bytes|MAX_VALUE/i;
    const wanted = /\b(timeout|delay|period|size|limit|ttl|every|after)\w*: (?:u|i|f)(?:32|64)\b/i;
    const all = Object.keys(DOORS).flatMap((door) => readApi(SDK, door));
    const bare = all.flatMap((one) =>
      [one, ...one.members]
        .filter(({ signature }) => wanted.test(signature.replaceAll(/\b\w+(?:Ms|Nanos|Bytes|Millis)\b/g, "")))
        .filter(({ doc, signature }) => !unit.test(`${doc} ${one.doc} ${signature}`))
        .map(({ signature }) => `${one.name}: ${signature}`),
    );
    expect(bare).toEqual([]);
  });

  test("imports nothing that hosts of proxy-wasm 0.2.1 lack", () => {
    const env = readFileSync(join(SDK, "assembly/env.ts"), "utf8");
    const declared = [...env.matchAll(/export declare function (\w+)/g)].map((found) => found[1]!);
    expect(declared.length).toBeGreaterThan(20);
    expect(declared.filter((name) => !HOST_FUNCTIONS.has(name))).toEqual([]);
  });
});
