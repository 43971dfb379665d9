// What is kept on disk for a restart: versions that a filter still has, and no others.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FilterRecord } from "../../../host/control/filter-record.ts";
import { StateFile } from "../../../host/control/state-file.ts";
import type { Version } from "../../../host/control/version.ts";
import { Jco } from "../../../host/module/component/jco.ts";
import type { FilterOptions } from "../../../host/plugin/options.ts";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "sluice-state-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const OPTIONS = { name: "f", pluginConfig: "", limits: {} } as FilterOptions;
const version = (number: number): Version =>
  ({
    label: `v${number}`,
    sha256: String(number).padStart(64, "0"),
    configSha256: "",
    debugSha256: "",
    wasm: Buffer.from([number]),
    options: OPTIONS,
  }) as unknown as Version;
const modules = (): string[] => readdirSync(join(folder, "versions")).sort();

test("modules of versions that are forgotten are removed, also those of an earlier run", async () => {
  const record = new FilterRecord(OPTIONS);
  const records = new Map([["f", record]]);
  const file = new StateFile(folder, new Jco());
  for (let number = 1; number <= 50; number++) {
    record.add(version(number));
    record.setLive(version(number));
    await file.save(records, []);
  }
  expect(modules()).toHaveLength(20);
  expect(modules()).toEqual(record.versions.map(({ sha256 }) => `${sha256}.wasm`));

  const next = new FilterRecord(OPTIONS);
  const later = new StateFile(folder, new Jco());
  later.restore(next, (await later.load())!.filters["f"]!);
  expect(next.live?.label).toBe("v50");
  for (let number = 51; number <= 70; number++) {
    next.add(version(number));
    next.setLive(version(number));
  }
  await later.save(new Map([["f", next]]), []);
  expect(modules()).toEqual(next.versions.map(({ sha256 }) => `${sha256}.wasm`));
});

test("a module that two filters have stays for as long as one of them does", async () => {
  const [one, two] = [new FilterRecord(OPTIONS), new FilterRecord(OPTIONS)];
  for (const record of [one, two]) record.add(version(1));
  const file = new StateFile(folder, new Jco());
  await file.save(
    new Map([
      ["one", one],
      ["two", two],
    ]),
    [],
  );
  await file.save(new Map([["two", two]]), []);
  expect(modules()).toHaveLength(1);
  await file.save(new Map(), []);
  expect(modules()).toEqual([]);
});
