// `sluice bench`: what it measures is there, what is deterministic is the same twice, and a commit can be compared with.
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { FilterCost } from "../../../host/testing/bench-filter.ts";
import { guest } from "../../support/modules.ts";
import { run } from "./support.ts";

let folder = "";
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-bench-"));
  writeFileSync(join(folder, "stamp.wasm"), await guest("stamp"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const here = (...argv: string[]) => run(["bench", ...argv], { cwd: folder });
async function costs(...argv: string[]): Promise<(FilterCost & { name: string })[]> {
  const { code, out, err } = await here(...argv, "--rounds", "3", "--json");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return (JSON.parse(out) as { filters: (FilterCost & { name: string })[] }).filters;
}

describe("bench", () => {
  test("tells time, fuel, memory and size of every phase", async () => {
    const [cost] = await costs("stamp.wasm", "-d", "body");
    expect(cost!.phases.map((one) => one.phase)).toEqual([
      "request_headers",
      "request_body",
      "response_headers",
      "response_body",
      "end",
    ]);
    for (const { nanos, medianNanos } of cost!.phases) {
      expect(nanos).toBeGreaterThan(0);
      expect(medianNanos).toBeGreaterThanOrEqual(nanos);
    }
    expect(cost!.phases.filter((one) => one.fuel !== null).length).toBeGreaterThan(0);
    expect(cost).toMatchObject({ name: "stamp.wasm", size: readFileSync(join(folder, "stamp.wasm")).length });
    expect(cost!.codeSize).toBeLessThan(cost!.size);
    expect(cost!.memoryBytes).toBeGreaterThanOrEqual(65_536);
    expect(cost!.grownBytes).toBe(0);
  });

  test("counts fuel and allocations the same in every run", async () => {
    const of = async () => {
      const [cost] = await costs("stamp.wasm");
      return [cost!.phases.map((one) => one.fuel), cost!.allocations, cost!.allocatedBytes];
    };
    expect(await of()).toEqual(await of());
  });

  test("puts two versions side by side", async () => {
    const { out } = await here("stamp.wasm", "--against", "stamp.wasm", "--rounds", "3");
    expect(out).toMatch(/^phase +ns +median +fuel +ns stamp\.wasm +fuel +ratio\n/);
    expect(out).toMatch(/response_headers +\d+ +\d+ +\d+ +\d+ +\d+ +\d+\.\d\d x/);
  });

  test("compares with the same filter at another commit", async () => {
    const git = (...args: string[]) =>
      execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], { cwd: folder, stdio: "pipe" });
    mkdirSync(join(folder, "node_modules/@sluice"), { recursive: true });
    symlinkSync(resolve(import.meta.dirname, "../../../sdk"), join(folder, "node_modules/@sluice/sdk"));
    expect((await run(["new", "tag"], { cwd: folder })).code).toBe(0);
    git("init", "-q");
    git("add", "filters");
    git("commit", "-q", "-m", "first");
    const file = join(folder, "filters/tag/assembly/tag.ts");
    const more = `request.headers.set("x-more", "1");\n    return Flow.Continue;`;
    writeFileSync(file, readFileSync(file, "utf8").replace("return Flow.Continue;", more));
    const [now, then] = await costs("tag", "--against", "HEAD");
    expect([now!.name, then!.name]).toEqual(["tag", "HEAD"]);
    expect(now!.phases[0]!.fuel!).toBeGreaterThan(then!.phases[0]!.fuel!);
    expect(readdirSync(join(folder, ".sluice")).filter((name) => name.startsWith("against-"))).toEqual([]);
    expect(await here("tag", "--against", "nowhere")).toMatchObject({
      code: 2,
      err: expect.stringContaining("--against nowhere: neither a file nor a commit"),
    });
  });

  test("without a filter says so, and a filter that is not there is named", async () => {
    expect(await here()).toMatchObject({ code: 2, err: expect.stringContaining("name a filter") });
    expect(await here("none.wasm")).toMatchObject({
      code: 4,
      err: expect.stringContaining("none.wasm cannot be read"),
    });
    expect(existsSync(join(folder, ".sluice/cache"))).toBe(false);
  });
});
