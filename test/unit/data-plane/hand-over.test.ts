// Which version hands its state to which at a commit: per filter and arm, from one that goes to one that has just come.
import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../../host/base/clock.ts";
import { seededRandom } from "../../../host/base/random.ts";
import { handOverStates } from "../../../host/data-plane/hand-over.ts";
import type { Snapshot } from "../../../host/data-plane/snapshot.ts";
import { prepareModule } from "../../../host/module/prepare.ts";
import { FILTER_DEFAULTS } from "../../../host/plugin/defaults.ts";
import { Generation, type GenerationSpec } from "../../../host/plugin/generation.ts";
import { privateState } from "../../../host/plugin/private-state.ts";
import type { PluginServices } from "../../../host/plugin/services.ts";
import { guest } from "../../support/modules.ts";

/** filter -> arm -> generation. */
type Slots = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** "from > to" for each pair that hands over. */
function passed(before: Slots, after: Slots): string[] {
  const pairs: string[] = [];
  const fake = (key: string) => ({
    key,
    handOverTo: (next: { readonly key: string }) => void pairs.push(`${key} > ${next.key}`),
  });
  const snapshot = (slots: Slots): Snapshot => {
    const list = Object.entries(slots).map(([filter, arms]) => ({
      filter,
      arms: Object.entries(arms).map(([name, generation]) => ({ name, generation, ranges: [] })),
    }));
    const keys = list.flatMap(({ arms }) => arms.map(({ generation }) => generation));
    const generations = new Map(keys.map((key) => [key, fake(key)]));
    return { message: { slots: list }, generations } as unknown as Snapshot;
  };
  handOverStates(snapshot(before), snapshot(after));
  return pairs;
}

describe("who hands over to whom", () => {
  test("a version to the one that takes its place", () => {
    expect(passed({ a: { "": "a1" }, b: { "": "b1" } }, { a: { "": "a2" }, b: { "": "b1" } })).toEqual(["a1 > a2"]);
  });

  test("nobody to a filter that is new", () => {
    expect(passed({}, { a: { "": "a1" } })).toEqual([]);
  });

  test("each arm of an experiment to its own next version", () => {
    const before = { a: { control: "a1", b: "a2" } };
    expect(passed(before, { a: { control: "a1", b: "a3" } })).toEqual(["a2 > a3"]);
    expect(passed(before, { a: { control: "a4", b: "a3" } })).toEqual(["a1 > a4", "a2 > a3"]);
  });

  test("nobody at the start of an experiment, and nobody to an arm that is promoted: both have served", () => {
    expect(passed({ a: { "": "a1" } }, { a: { control: "a1", b: "a2" } })).toEqual([]);
    expect(passed({ a: { control: "a1", b: "a2" } }, { a: { "": "a2" } })).toEqual([]);
  });
});

describe("the plugin contexts of two versions", () => {
  const results: string[] = [];
  const services = {
    clock: new VirtualClock(),
    random: seededRandom(1),
    ...privateState(() => {}),
    logLevel: () => 5,
    log: () => {},
    faulted: () => {},
    handedOver: (_filter: string, result: string) => void results.push(result),
  } as unknown as PluginServices;

  async function generation(own: string, overrides: Readonly<Record<string, string>>): Promise<Generation> {
    const { module } = prepareModule(await guest("tally"), { name: "t", memoryBytes: 16 * 1024 * 1024, fuel: null });
    const options = {
      ...FILTER_DEFAULTS,
      name: "t",
      vmId: "t",
      limits: { ...FILTER_DEFAULTS.limits, memoryBytes: 16 * 1024 * 1024, fuel: null },
      pluginConfig: own,
    };
    const configs = [...new Set([own, ...Object.values(overrides)])];
    const spec: GenerationSpec = {
      options,
      configs,
      overrides,
      version: "v",
      key: "k",
      sha256: "",
      semver: "",
    };
    return new Generation(spec, module, services);
  }

  test("pass state by place: the filter's own, each route's, and the own one to a route that is new", async () => {
    const none = '{"snapshot":"none"}';
    const old = await generation("{}", { "l/quiet": none, "l/gone": '{"snapshot":""}' });
    const next = await generation('{"restore":""}', {
      "l/quiet": '{"restore":"take"}',
      "l/new": '{"restore":"refuse"}',
    });
    results.length = 0;
    old.handOverTo(next);
    expect(results).toEqual(["restored", "empty", "refused"]);
  });

  test("of one configuration on many routes hand over once", async () => {
    const old = await generation("{}", { "l/a": '{"snapshot":""}', "l/b": '{"snapshot":""}' });
    const next = await generation("{}", { "l/a": '{"snapshot":""}', "l/b": '{"snapshot":""}' });
    results.length = 0;
    old.handOverTo(next);
    expect(results).toEqual(["restored", "restored"]);
  });
});
