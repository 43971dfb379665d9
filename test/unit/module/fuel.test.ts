import { describe, expect, test } from "vitest";
import { ProblemError } from "../../../host/base/problem.ts";
import { seededRandom } from "../../../host/base/random.ts";
import { instrument } from "../../../host/module/fuel.ts";
import { append, assembly, core, custom, run, section, wat } from "./build.ts";

const BUDGET = 200_000;
const refusal = (bytes: Uint8Array): string => {
  try {
    instrument(bytes, { initial: 0 });
  } catch (error) {
    if (error instanceof ProblemError) return `${error.problems[0]?.code}: ${error.message}`;
    throw error;
  }
  return "";
};

/** Points `call` takes, from a budget that suffices. */
function pointsOf(text: string, name = "f", ...args: number[]): number {
  const exports = run(instrument(wat(text), { initial: 0 }).bytes);
  exports.__fuel.value = 2_000_000_000;
  exports[name]!(...args);
  return 2_000_000_000 - Number(exports.__fuel.value);
}

/** Whether `f` traps because its fuel is gone. */
function runsDry(bytes: Uint8Array, initial = BUDGET): boolean {
  const exports = run(instrument(bytes, { initial }).bytes);
  try {
    exports["f"]!();
  } catch (error) {
    return error instanceof WebAssembly.RuntimeError && Number(exports.__fuel.value) < 0;
  }
  return false;
}

const HOSTILE: Readonly<Record<string, string>> = {
  "an endless loop": `(module (func (export "f") (loop $l (br $l))))`,
  "an endless loop in two blocks": `(module (func (export "f") (loop $a (loop $b (br_if $b (i32.const 1))) (br $a))))`,
  "exponential recursion": `(module (func $f (export "f") (call $g (i32.const 40)))
    (func $g (param i32) (if (local.get 0) (then (call $g (i32.sub (local.get 0) (i32.const 1)))
      (call $g (i32.sub (local.get 0) (i32.const 1)))))))`,
  "mutual tail calls": `(module (func $f (export "f") (return_call $g)) (func $g (return_call $f)))`,
  "tail calls through a table": `(module (type $t (func)) (table 1 funcref) (elem (i32.const 0) $f)
    (func $f (export "f") (return_call_indirect (type $t) (i32.const 0))))`,
  "a br_table loop": `(module (func (export "f") (loop $l (br_table $l $l $l (i32.const 1)))))`,
  "a loop entered by a legacy try": `(module (tag $t) (func (export "f")
    (loop $l (try (do (throw $t)) (catch $t)) (br $l))))`,
  "a loop of catch_all": `(module (tag $t) (func $t2 (throw $t)) (func (export "f")
    (loop $l (try (do (call $t2)) (catch_all)) (br $l))))`,
  fills: `(module (memory 256) (func (export "f") (loop $l
    (memory.fill (i32.const 0) (i32.const 1) (i32.const 15728640)) (br $l))))`,
  copies: `(module (memory 256) (func (export "f") (loop $l
    (memory.copy (i32.const 0) (i32.const 8) (i32.const 15728640)) (br $l))))`,
  inits: `(module (memory 1) (data $d "${"x".repeat(4000)}") (func (export "f") (loop $l
    (memory.init $d (i32.const 0) (i32.const 0) (i32.const 4000)) (br $l))))`,
  "table fills": `(module (table 10000 funcref) (func (export "f") (loop $l
    (table.fill 0 (i32.const 0) (ref.null func) (i32.const 10000)) (br $l))))`,
  "table copies": `(module (table 10000 funcref) (func (export "f") (loop $l
    (table.copy (i32.const 0) (i32.const 1) (i32.const 9999)) (br $l))))`,
  "table inits": `(module (table 100 funcref) (elem $e func $f $f $f $f) (func $f (export "f") (loop $l
    (table.init $e (i32.const 0) (i32.const 0) (i32.const 4)) (br $l))))`,
  "failing grows": `(module (memory 1 1) (func (export "f") (loop $l (drop (memory.grow (i32.const 1))) (br $l))))`,
};

describe("a hostile module runs out of fuel", () => {
  for (const [name, text] of Object.entries(HOSTILE)) {
    test(name, () => expect(runsDry(wat(text))).toBe(true));
  }

  test("a loop in a start section, on the counter's first value", () => {
    const looping = wat(`(module (func $s (loop $l (br $l))) (start $s))`);
    expect(() => run(instrument(looping, { initial: BUDGET }).bytes)).toThrow(WebAssembly.RuntimeError);
  });

  test("a catch_all around everything changes nothing", () => {
    const text = `(module (func $loop (loop $l (br $l))) (func (export "f") (try (do (call $loop)) (catch_all))))`;
    expect(runsDry(wat(text))).toBe(true);
  });

  test("a bulk operation that the budget cannot pay for is never begun", () => {
    const module = wat(`(module (memory (export "memory") 256)
      (func (export "f") (memory.fill (i32.const 0) (i32.const 7) (i32.const 15728640))))`);
    const exports = run(instrument(module, { initial: 1000 }).bytes);
    expect(() => exports["f"]!()).toThrow("unreachable");
    expect(new Uint8Array(exports.memory.buffer)[0]).toBe(0);
  });

  test("a length of 4 GiB does not wrap the counter round to plenty", () => {
    const text = `(module (memory 1) (func (export "f") (memory.fill (i32.const 0) (i32.const 7) (i32.const -1))))`;
    expect(runsDry(wat(text), 1000)).toBe(true);
  });
});

describe("what is charged", () => {
  const divisions = (count: number): string =>
    `(module (func (export "f") (local i32) ${"(local.set 0 (i32.div_u (local.get 0) (i32.const 3)))".repeat(count)}))`;

  test("straight-line code costs in proportion to its length and weight", () => {
    expect(pointsOf(`(module (func (export "f")))`)).toBe(4);
    const few = pointsOf(divisions(100));
    expect(pointsOf(divisions(10_000)) / few).toBeGreaterThan(80);
    expect(few).toBeGreaterThan(100);
  });

  test("each pass of a loop costs what is in it, and inner loops pay for themselves", () => {
    const loop = (body: string): string => `(module (func (export "f") (param i32) (loop $l ${body}
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))`;
    const [ten, twenty] = [10, 20].map((times) => pointsOf(loop(""), "f", times)) as [number, number];
    expect(twenty - ten).toBe(20);
    const heavy = loop("(drop (f64.sqrt (f64.const 2)))".repeat(80));
    expect(pointsOf(heavy, "f", 20) - pointsOf(heavy, "f", 10)).toBeGreaterThan(800);
    const nested = loop("(loop $inner (drop (f64.sqrt (f64.const 2))))");
    expect(pointsOf(nested, "f", 20) - pointsOf(nested, "f", 10)).toBeLessThan(100);
  });

  test("bulk operations by length, locals by number, grows and throws by a fixed price", () => {
    const fill = (size: number): number =>
      pointsOf(
        `(module (memory 256) (func (export "f") (memory.fill (i32.const 0) (i32.const 1) (i32.const ${size}))))`,
      );
    expect(fill(32_000_000 / 4) - fill(0)).toBe(250_000);
    const locals = (count: number): number => pointsOf(`(module (func (export "f") ${"(local i64)".repeat(count)}))`);
    expect(locals(8000) - locals(0)).toBeGreaterThanOrEqual(999);
    expect(pointsOf(`(module (memory 1) (func (export "f") (drop (memory.grow (i32.const 1)))))`)).toBeGreaterThan(
      1024,
    );
    expect(pointsOf(`(module (tag $t) (func (export "f") (try (do (throw $t)) (catch $t))))`)).toBeGreaterThan(1024);
  });

  test("the same input costs the same points every time", async () => {
    const bytes = await assembly(
      `export function f(n: i32): i32 { let s = 0; for (let i = 0; i < n; i++) s += i % 7; return s; }`,
    );
    const once = (): number => {
      const exports = run(instrument(bytes, { initial: 1_000_000 }).bytes);
      exports["f"]!(1234);
      return Number(exports.__fuel.value);
    };
    expect(once()).toBe(once());
  });
});

describe("a module against the rewriter", () => {
  test("code that names the global one past the end is refused before that global exists", () => {
    // (func (i32.const 1000000) (global.set 0)) without any global
    const refill = core(
      section(1, 1, 0x60, 0, 0),
      section(3, 1, 0),
      section(10, 1, 8, 0, 0x41, 0xc0, 0x84, 0x3d, 0x24, 0, 0x0b),
    );
    expect(WebAssembly.validate(refill)).toBe(false);
    expect(refusal(refill)).toMatch(/^invalid: .*global/i);
  });

  test("an export called __fuel is refused by name", () => {
    expect(refusal(wat(`(module (global (export "__fuel") (mut i32) (i32.const 1)))`))).toMatch(
      /^reserved_export: .*__fuel/,
    );
    expect(refusal(wat(`(module (func (export "__fuel")))`))).toMatch(/^reserved_export/);
  });

  test("GC types and broken bytes are refused with a reason", () => {
    expect(refusal(core(section(1, 1, 0x5f, 0)))).toMatch(/^not_instrumentable: .*GC/);
    expect(refusal(core([1]))).toMatch(/^invalid/);
    expect(refusal(new Uint8Array())).toMatch(/^invalid/);
  });

  test("random damage to a module is refused as a problem or gives a valid module", async () => {
    const whole =
      await assembly(`export function f(n: i32): f64 { let s = 0.5; for (let i = 0; i < n; i++) s *= <f64>i; return s; }
      export function g(p: usize): void { memory.fill(p, 1, 64); }`);
    const random = seededRandom(17);
    let valid = 0;
    for (let round = 0; round < 3000; round++) {
      const mutant = Uint8Array.from(whole);
      mutant[8 + Math.floor(random.fraction() * (mutant.length - 8))] = random.fraction() * 256;
      if (refusal(mutant) === "") valid++;
    }
    expect(valid).toBeGreaterThan(100);
  });
});

describe("what stays as it was", () => {
  test("imports, globals, elements, data, names and other custom sections", () => {
    const text = `(module (import "env" "i" (func $i (result i32))) (import "env" "g" (global $g i32))
      (memory (export "memory") 1) (table (export "t") 2 funcref) (elem (i32.const 0) $a $b) (data (i32.const 8) "hello")
      (global $own (export "own") (mut i32) (i32.const 41)) (tag $t)
      (func $a (result i32) (global.set $own (i32.add (global.get $own) (i32.const 1))) (global.get $own))
      (func $b (result i32) (call $i))
      (func (export "f") (param i32) (result i32) (call_indirect (result i32) (local.get 0))))`;
    const bytes = append(wat(text), custom("other", "kept"));
    const result = instrument(bytes, { initial: 1000 });
    const module = new WebAssembly.Module(result.bytes);
    const env = { i: () => 7, g: 5 } as unknown as WebAssembly.Imports[string];
    const { exports } = new WebAssembly.Instance(module, { env });
    const f = exports["f"] as (index: number) => number;
    expect([f(0), f(0), f(1)]).toEqual([42, 43, 7]);
    const { buffer } = exports["memory"] as WebAssembly.Memory;
    expect(Buffer.from(buffer as ArrayBuffer, 8, 5).toString()).toBe("hello");
    expect(Buffer.from(WebAssembly.Module.customSections(module, "other")[0]!).toString()).toBe("kept");
    expect(result.points).toBe(3);
  });

  test("a module with nothing but a head gets its counter, and a long count of locals is read", () => {
    const exports = run(instrument(core(), { initial: 77 }).bytes);
    expect(exports.__fuel.value).toBe(77);
    // memory.fill in a function whose count of local groups is written in five bytes
    const body = [0x80, 0x80, 0x80, 0x80, 0, 0x41, 0, 0x41, 9, 0x41, 4, 0xfc, 0x0b, 0, 0x0b];
    const padded = core(
      section(1, 1, 0x60, 0, 0),
      section(3, 1, 0),
      section(5, 1, 0, 1),
      section(7, 2, 1, 102, 0, 0, 6, ...Buffer.from("memory"), 2, 0),
      section(10, 1, body.length, ...body),
    );
    const filled = run(instrument(padded, { initial: 1000 }).bytes);
    filled["f"]!();
    expect([...new Uint8Array(filled.memory.buffer).subarray(0, 5)]).toEqual([9, 9, 9, 9, 0]);
  });

  test("results, memories and traps of compiled guests, plain and with fuel", async () => {
    const source = `
      export function work(seed: i32, n: i32): f64 {
        let a = seed; let sum = 0.0;
        const box = new StaticArray<i32>(64);
        for (let i = 0; i < n; i++) {
          a = a * 1103515245 + 12345;
          box[(a >>> 8) & 63] += i;
          if ((a & 15) == 3) sum += Math.sqrt(<f64>(a & 0xffff)); else sum += <f64>(a % 17) / 3.0;
          switch (a & 3) { case 0: sum += 1; break; case 1: sum *= 0.5; break; default: }
        }
        for (let i = 0; i < 64; i++) sum += <f64>box[i];
        return sum;
      }
      export function text(n: i32): i32 { let s = ""; for (let i = 0; i < n; i++) s += i.toString(); return s.length; }
      export function trap(n: i32): i32 { return 10 / n; }
      export function wide(n: i64): i64 { return n / 3 + (n << 7) % 11; }
      export function move(n: i32): i32 { memory.copy(40000, 0, n); memory.fill(50000, 3, n); return load<i32>(50000); }`;
    for (const options of [[], ["-O3"], ["-O3", "--enable", "simd"], ["--runtime", "incremental", "--exportRuntime"]]) {
      const bytes = await assembly(source, ...options);
      const plain = run(bytes);
      const fueled = run(instrument(bytes, { initial: 2_000_000_000 }).bytes);
      const outcome = (exports: typeof plain, name: string, ...args: (number | bigint)[]): unknown => {
        try {
          return (exports[name] as unknown as (...all: unknown[]) => unknown)(...args);
        } catch (error) {
          return String(error);
        }
      };
      const random = seededRandom(5);
      for (let round = 0; round < 40; round++) {
        const n = Math.floor(random.fraction() * 200);
        const calls: [string, ...(number | bigint)[]][] = [
          ["work", n * 31, n],
          ["text", n],
          ["trap", n % 3],
          ["wide", BigInt(n) << 40n],
          ["move", n],
        ];
        for (const [name, ...args] of calls)
          expect(outcome(fueled, name, ...args), name).toEqual(outcome(plain, name, ...args));
      }
      expect(
        Buffer.from(fueled.memory.buffer as ArrayBuffer).equals(Buffer.from(plain.memory.buffer as ArrayBuffer)),
      ).toBe(true);
      expect(fueled.__fuel.value).toBeLessThan(2_000_000_000);
    }
  });
});
