import { describe, expect, test } from "vitest";
import { diffConfig } from "../../../host/config/diff.ts";
import { MINIMAL, parse } from "./support.ts";

const FILTERS = "filters: [{ name: a }, { name: b, pluginConfig: { token: x } }]\n";

async function diff(before: string, after: string): Promise<string[]> {
  return diffConfig((await parse(before)).config, (await parse(after)).config);
}

describe("the difference of two configs", () => {
  test("is nothing for the same text", async () => {
    expect(await diff(MINIMAL + FILTERS, MINIMAL + FILTERS)).toEqual([]);
  });

  test("names what came, went and changed, in the order of the file", async () => {
    const before = `workers: 1\n${MINIMAL}${FILTERS}`;
    const after = `workers: 2
drainTimeout: 1s
${MINIMAL.replace("8080", "8081").replace("name: web, ", "name: web, connectTimeout: 1s, ")}  - { name: spare, endpoints: [{ address: h:1 }] }
filters: [{ name: b, pluginConfig: { token: y } }]
`;
    expect(await diff(before, after)).toEqual([
      "drainTimeout changed from 10000ms to 1000ms",
      "workers changed from 1 to 2",
      "listener public changed: port, filters",
      "cluster web changed: connectTimeout",
      "cluster spare added",
      "filter a removed",
      "filter b changed: pluginConfig",
    ]);
  });

  test("sees a new order", async () => {
    expect(
      await diff(`${MINIMAL}${FILTERS}`, `${MINIMAL}filters: [{ name: b, pluginConfig: { token: x } }, { name: a }]\n`),
    ).toEqual(["listener public changed: filters", "order of filters changed"]);
  });
});
