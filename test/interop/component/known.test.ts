// What of a component is kept: its taken-apart form by digest, so that a restart needs no jco for versions of before; and the
// names that languages without dashes use for the canonical ABI.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { prepareKnown } from "../../../host/control/prepare-filter.ts";
import { withCanonicalNames } from "../../../host/module/component/canonical-names.ts";
import { Jco } from "../../../host/module/component/jco.ts";
import { isComponent } from "../../../host/module/component/program.ts";
import { inspectModule } from "../../../host/module/inspect.ts";
import type { FilterOptions } from "../../../host/plugin/options.ts";
import { countComponent, newJco, parseWat } from "../../support/components.ts";

let folder: string;
let count: Uint8Array;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-known-"));
  const jco = newJco();
  count = await countComponent(jco);
  jco.close();
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const options = { name: "count", limits: { memoryBytes: 1024 * 1024, fuel: 1000 } } as FilterOptions;

describe("a version of before", () => {
  test("is made of what the cache has, without a process; without it the reason and the remedy are told", async () => {
    const first = new Jco({ cacheDir: folder });
    expect(() => prepareKnown(count, options, first)).toThrow(
      "filter count: this version is not in the component cache",
    );
    await first.transpile(count, "count");
    first.close();
    const second = new Jco({ cacheDir: folder });
    expect(isComponent(prepareKnown(count, options, second).module)).toBe(true);
    expect(second.pid).toBeNull();
    second.close();
  }, 60_000);

  test("one process serves many jobs, one after the other, and ends with close", async () => {
    const jco = new Jco();
    const [a, b] = await Promise.all([jco.transpile(count, "a"), jco.transpile(count, "b")]);
    expect(a).toEqual(b);
    const { pid } = jco;
    expect(pid).not.toBeNull();
    jco.close();
    expect(jco.pid).toBeNull();
  }, 60_000);
});

describe("names of the canonical ABI", () => {
  test("are given to exports and to the host's imports, everything else stays", async () => {
    const core = await parseWat(`(module
      (import "sluice-filter-host" "get_config" (func (param i32)))
      (import "other" "get_config" (func))
      (memory (export "memory") 1)
      (func (export "on_request")) (func (export "cabi_post_on_request")) (func (export "on_requests")))`);
    const { imports, exports } = inspectModule(withCanonicalNames(core));
    expect(imports.map(({ module, name }) => `${module} ${name}`)).toEqual([
      "sluice:filter/host@0.1.0 get-config",
      "other get_config",
    ]);
    expect(exports.map(({ name }) => name)).toEqual(["memory", "on-request", "cabi_post_on-request", "on_requests"]);
  });
});
