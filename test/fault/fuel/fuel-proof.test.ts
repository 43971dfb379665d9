// The instrumented module is the module: on random valid modules, results, traps, memories and globals are equal, and what
// was charged for the same input is the same. `SEEDS=1000 npx vitest run test/fault/fuel` for more of them.
import { describe, expect, test } from "vitest";
import { instrument } from "../../../host/module/fuel.ts";
import { wat } from "../../unit/module/build.ts";
import { compare } from "./compare.ts";
import { EXPORTS, RandomModule } from "./random-module.ts";
import { forms } from "./spec-suite.ts";

const SEEDS = Number(process.env["SEEDS"] ?? 80);
const build = (seed: number): Uint8Array => wat(new RandomModule(seed).text());

describe("random valid modules", () => {
  test(`${SEEDS} of them give the same results with fuel as without`, { timeout: 600_000 }, () => {
    const wrong: string[] = [];
    let equal = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { verdict, detail } = compare(build(seed));
      if (verdict === "equal") equal++;
      else wrong.push(`seed ${seed}: ${verdict} ${detail}`);
    }
    expect(wrong).toEqual([]);
    expect(equal).toBe(SEEDS);
  });

  test("the same seed makes the same module, another one another", () => {
    expect(build(5)).toEqual(build(5));
    expect(build(6)).not.toEqual(build(5));
  });

  test("a budget too small ends them below zero, and never in between", () => {
    let dry = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const { bytes } = instrument(build(seed), { initial: 40 });
      const exports = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
      const fuel = exports["__fuel"] as WebAssembly.Global;
      for (const name of EXPORTS) {
        try {
          (exports[name] as (...args: unknown[]) => unknown)(1, 1n, 1, 1);
        } catch (error) {
          if (Number(fuel.value) < 0) expect(error).toBeInstanceOf(WebAssembly.RuntimeError);
        }
      }
      if (Number(fuel.value) < 0) dry++;
    }
    expect(dry).toBeGreaterThan(10);
  });
});

test("scripts are split into forms, whatever their strings and comments hold", () => {
  const text = `;; (module)\n(module (func (export ")(") nop)) (; (module ;) (assert_return (invoke "a\\"(") (i32.const 1))`;
  expect(forms(text)).toEqual(['(module (func (export ")(") nop))', '(assert_return (invoke "a\\"(") (i32.const 1))']);
});

describe("features that are not covered are refused by name", () => {
  const head = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  test.each([
    ["struct types", [1, 0x5f, 1, 0x7f, 0]],
    ["array types", [1, 0x5e, 0x7f, 0]],
    ["recursive groups of types", [1, 0x4e, 1, 0x60, 0, 0]],
  ])("%s", (_name, content) => {
    const bytes = Uint8Array.from([...head, 1, content.length, ...content]);
    expect(WebAssembly.validate(bytes)).toBe(true);
    expect(compare(bytes)).toMatchObject({
      verdict: "refused",
      detail: expect.stringMatching(/GC proposal/) as string,
    });
  });
});
