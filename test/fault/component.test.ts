// Components that are not filters, ask for more than they get, or mean harm: each is told why, and none of them reaches the
// host. The hostile ones are written as text, since no tool writes them.
import { afterAll, describe, expect, test } from "vitest";
import { ProblemError } from "../../host/base/problem.ts";
import { componentizeCore } from "../../host/module/component/componentize.ts";
import { prepareModule } from "../../host/module/prepare.ts";
import { countComponent, countCore, harnessOf, newJco, parseWat, takeApart, WIT } from "../support/components.ts";

const jco = newJco();
afterAll(() => jco.close());

/** Problems of a component as a filter. */
async function problemsOf(wasm: Uint8Array): Promise<string[]> {
  try {
    harnessOf(await takeApart(jco, wasm)).close();
    return [];
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return error.problems.map(
      ({ code, message, hint }) => `${code}: ${message}${hint === undefined ? "" : ` | ${hint}`}`,
    );
  }
}

const LIFTED = (name: string, more = "") => `(component ${more}
  (core module $m (func (export "f") (result i32) i32.const 1))
  (core instance $i (instantiate $m))
  (func $f (result u32) (canon lift (core func $i "f")))
  (export "${name}" (func $f)))`;

const importing = (name: string, what = `(instance (export "f" (func)))`) => `(import "${name}" ${what})`;

describe("a component that is no filter", () => {
  test("built for another world: what it exports, and what was expected", async () => {
    expect(await problemsOf(await parseWat(LIFTED("greet")))).toEqual([
      "other_world: filter part: a component built for another world: it exports greet; expected on-request or on-response " +
        "of sluice:filter/http-filter@0.1.0 | build it against sdk/wit/sluice-filter.wit",
    ]);
  });

  test.each([
    ["wasi:cli/run@0.2.3", "as wasi:cli/command does", "run it with `sluice run`"],
    ["wasi:http/incoming-handler@0.2.3", "as wasi:http/proxy does", "serve it with `sluice serve`"],
  ])("built for %s: what it is for instead", async (name, world, hint) => {
    const wat = `(component (instance $i) (export "${name}" (instance $i)))`;
    const [problem] = await problemsOf(await parseWat(wat));
    expect(problem).toContain(world);
    expect(problem).toContain(hint);
  });

  test("of our names with other types", async () => {
    expect(await problemsOf(await parseWat(LIFTED("on-request")))).toEqual([
      "other_types: filter part: on-request is func() -> u32, expected func(req: request) -> action | " +
        "build it against sdk/wit/sluice-filter.wit of sluice:filter@0.1.0",
    ]);
  });

  test("of our names with records of another shape", async () => {
    const wit = WIT.replace(
      "status: u16,\n    headers: headers,\n    /// At most",
      "status: string,\n    headers: headers,\n    /// At most",
    );
    expect(wit).not.toBe(WIT);
    const wasm = await componentizeCore(await countCore(), "utf16", { file: "x", wit, jco });
    const [problem] = await problemsOf(wasm);
    expect(problem).toContain("other_types: filter part: LocalResponse is { status: string,");
  });

  test("of another version of the world, or with imports nobody offers: each is named", async () => {
    const imports = ["sluice:filter/host@0.2.0", "wasi:filesystem/preopens@0.2.3", "acme:db/query@1.0.0"];
    const wat = LIFTED("on-request", imports.map((name) => importing(name)).join(" "));
    const problems = (await problemsOf(await parseWat(wat))).map((problem) => problem.split(" | ")[0]);
    expect(problems.slice(1, 4)).toEqual([
      "other_version: filter part: built for sluice:filter@0.2.0; this host has 0.1.0",
      "not_granted: filter part: asks for wasi:filesystem/preopens@0.2.3, which no filter is given: filters reach nothing " +
        "but the request they are called for",
      "unknown_import: filter part: imports acme:db/query@1.0.0, which this host does not offer",
    ]);
  });

  test("and not even a component: jco's words, and the next one is taken apart all the same", async () => {
    const broken = (await countComponent(jco)).slice(0, 3000);
    expect((await problemsOf(broken).catch(String)).toString()).toMatch(/bad_component|jco cannot take it apart/);
    expect(await problemsOf(await countComponent(jco))).toEqual([]);
  }, 60_000);

  test("a core module where a component is meant, and the other way round", async () => {
    const wasm = await countComponent(jco);
    const options = { name: "part", memoryBytes: 1024 * 1024, fuel: null };
    expect(() => prepareModule(wasm, options)).toThrow(
      "filter part is a component; a core proxy-wasm module was expected",
    );
  });
});

/** A component of the world around a hand-written core: `run` is the body of on-request, `more` stands beside it. */
async function handMade(run: string, more = "", realloc = "i32.const 1024"): Promise<Uint8Array> {
  const ten = "(param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)";
  const core = await parseWat(`(module (memory (export "memory") 16) ${more}
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) ${realloc})
    (func (export "on-request") ${ten} (result i32) ${run}))`);
  return componentizeCore(core, "utf8", { file: "hand.wasm", wit: WIT, jco });
}
/** An action at 64: mutate with `count` pairs at 4096, all zero: empty texts. */
const MUTATE = (count: number, extra = ""): string =>
  `${extra} (i32.store8 (i32.const 64) (i32.const 1)) (i32.store (i32.const 68) (i32.const 4096))
   (i32.store (i32.const 72) (i32.const ${count})) i32.const 64`;

const faultOf = async (wasm: Uint8Array): Promise<string> => {
  const harness = harnessOf(await takeApart(jco, wasm));
  expect(harness.request().response?.status).toBe(503);
  const [report] = harness.faults;
  harness.close();
  return `${report?.fault.reason}: ${report?.fault.message}`;
};

describe("a component that means harm", () => {
  test.each([`x'];globalThis.PWNED=1;//`, `y"];globalThis.PWNED=1;//`, "z`${globalThis.PWNED=1}", "a\\b", "a\nb"])(
    "a core export called %j does not become code of the host",
    async (name) => {
      const escaped = name.replaceAll(/["\\\n]/g, (char) => `\\${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
      const wat = `(component
        (core module $m (func (export "${escaped}") (result i32) i32.const 1))
        (core instance $i (instantiate $m))
        (func $f (result u32) (canon lift (core func $i "${escaped}")))
        (export "on-request" (func $f)))`;
      const wasm = await parseWat(wat);
      expect((await problemsOf(wasm)).join()).toContain("bad_name: filter part: a core module uses the name");
      expect("PWNED" in globalThis).toBe(false);
    },
  );

  test("sixty thousand texts in one answer end it before they are all read", async () => {
    const texts = MUTATE(60_000);
    expect(await faultOf(await handMade(texts))).toMatch(
      /^trap: more than \d+ bytes of text handed over in one callback/,
    );
  });

  test("an answer that points outside its memory ends it, and nothing else", async () => {
    expect(await faultOf(await handMade("i32.const -4"))).toMatch(/^trap: /);
    expect(await faultOf(await handMade(MUTATE(100_000)))).toMatch(/^trap: /);
    expect(await faultOf(await handMade(`(i32.store8 (i32.const 64) (i32.const 9)) i32.const 64`))).toMatch(/^trap: /);
  });

  test("a trap while its arguments are passed ends the instance, which jco alone would go on using", async () => {
    const wasm = await handMade("unreachable", "", "unreachable");
    const harness = harnessOf(await takeApart(jco, wasm));
    harness.request();
    harness.request();
    // The second request met a fresh instance (which trapped as well), not the dead one.
    expect(harness.faults.map(({ fault }) => fault.reason)).toEqual(["trap", "trap"]);
    harness.close();
  });

  test("a start section that loops and an allocator that does both end when their fuel does", async () => {
    const spin = "(loop $l (br $l))";
    const starting = await handMade("unreachable", `(func $s ${spin}) (start $s)`);
    expect((await problemsOf(starting)).join()).toMatch(/start_failed: .*_initialize ended with trap/);
    expect(await faultOf(await handMade("unreachable", "", `${spin} unreachable`))).toMatch(/^fuel: /);
  });

  test("a loop of log calls pays for what the host does", async () => {
    const log = `(import "sluice:filter/host@0.1.0" "log" (func $log (param i32 i32 i32)))`;
    const core = await parseWat(`(module ${log} (memory (export "memory") 2)
      (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
      (func (export "on-request") (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
        (loop $l (call $log (i32.const 0) (i32.const 0) (i32.const 0)) (br $l)) unreachable))`);
    const wasm = await componentizeCore(core, "utf8", { file: "hand.wasm", wit: WIT, jco });
    const harness = harnessOf(await takeApart(jco, wasm));
    const began = performance.now();
    harness.request();
    expect(harness.faults.map(({ fault }) => fault.reason)).toEqual(["fuel"]);
    // 10 M points at 2500 a call; thousands of times as many without.
    expect(harness.logs.length).toBeLessThan(4100);
    expect(performance.now() - began).toBeLessThan(5000);
    harness.close();
  });
});
