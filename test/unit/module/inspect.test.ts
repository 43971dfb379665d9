import { describe, expect, test } from "vitest";
import { ProblemError } from "../../../host/base/problem.ts";
import { sha256Hex } from "../../../host/base/hash.ts";
import { seededRandom } from "../../../host/base/random.ts";
import { CALLBACKS } from "../../../host/module/callbacks.ts";
import { checkFilterModule, inspectModule } from "../../../host/module/inspect.ts";
import { append, assembly, core, custom, filterWat, HEAD, section, wat } from "./build.ts";

const codes = (bytes: Uint8Array): string[] => inspectModule(bytes).problems.map((problem) => problem.code);
const refusal = (bytes: Uint8Array): string => {
  try {
    checkFilterModule(bytes, "f");
  } catch (error) {
    if (error instanceof ProblemError && error.problems.every((problem) => problem.kind === "abi"))
      return error.message;
    throw error;
  }
  return "";
};

describe("inspecting a module", () => {
  test("tells what a filter wants and offers", () => {
    const bytes = append(
      wat(
        filterWat(
          `(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (i32.const 0))
           (func (export "_initialize"))`,
          `(import "env" "proxy_log" (func (param i32 i32 i32) (result i32)))
           (memory (export "memory") 2 9)`,
        ),
      ),
      custom("sluice", '{"name":"f","version":"1.2.3"}'),
    );
    const info = checkFilterModule(bytes, "f");
    expect(info).toMatchObject({
      kind: "core",
      abiVersion: "0.2.1",
      allocator: "proxy_on_memory_allocate",
      start: "_initialize",
      hasStartSection: false,
      memory: { min: 2, max: 9 },
      customSections: ["sluice"],
      sluice: { name: "f", version: "1.2.3" },
      size: bytes.length,
      sha256: sha256Hex(bytes),
      problems: [],
      warnings: [],
    });
    expect(info.imports).toEqual([
      { module: "env", name: "proxy_log", kind: "func", type: { params: ["i32", "i32", "i32"], results: ["i32"] } },
    ]);
    expect(info.exports.find((each) => each.name === "proxy_on_request_headers")?.type?.params.length).toBe(3);
    expect(info.size - info.sizeWithoutCustom).toBe(2 + 7 + 30);
  });

  test("takes the highest of several markers, and malloc before the other allocator", () => {
    const info = inspectModule(
      wat(
        filterWat(`(func (export "proxy_abi_version_0_1_0")) (func (export "malloc") (param i32) (result i32) (i32.const 0))
        (func (export "proxy_on_request_headers") (param i32 i32) (result i32) (i32.const 0))`),
      ),
    );
    expect(info).toMatchObject({ abiVersion: "0.2.1", allocator: "malloc", start: null, problems: [] });
  });

  test("accepts every callback of the table with the type the table says, and refuses another", () => {
    for (const [name, [type]] of Object.entries(CALLBACKS)) {
      const params = [...(type ?? "").split("->")[0]!.matchAll(/i32/g)].map(() => "(param i32)").join(" ");
      const result = type?.endsWith("i32") === true ? "(result i32) (i32.const 0)" : "";
      const allocator = name === "proxy_on_memory_allocate";
      const good = filterWat(allocator ? "" : `(func (export "${name}") ${params} ${result})`);
      expect(codes(wat(good)), name).toEqual([]);
      const bad = `(func (export "${name}") (param i64))`;
      const module = allocator
        ? `(module (memory (export "memory") 1) (func (export "proxy_abi_version_0_2_1")) ${bad})`
        : filterWat(bad);
      expect(codes(wat(module)), name).toEqual(["bad_signature"]);
    }
  });

  test("names the given and the expected type of a callback", () => {
    const module = filterWat(`(func (export "proxy_on_request_headers") (param i32) (result i64) (i64.const 0))`);
    expect(refusal(wat(module))).toBe(
      "filter f: proxy_on_request_headers is (i32) -> i64, expected (i32, i32, i32) -> i32 or (i32, i32) -> i32",
    );
  });

  test("lets main look as it likes unless _initialize makes it a callback", () => {
    const main = `(func (export "main") (param i32))`;
    expect(codes(wat(filterWat(main)))).toEqual([]);
    expect(codes(wat(filterWat(`${main} (func (export "_initialize"))`)))).toEqual(["bad_signature"]);
  });

  test("names the exports it found when there is no marker, and says so when the allocator is missing", () => {
    const module = wat(`(module (memory (export "memory") 1) (func (export "hello")) (func (export "world")))`);
    expect(refusal(module)).toMatch(/hello, world|memory, hello, world/);
    expect(codes(module)).toEqual(["no_marker", "missing_allocator"]);
    expect(refusal(core())).toMatch(/no exports at all/);
  });

  test("refuses imports nobody offers, and only warns of unknown proxy_ functions", () => {
    const withImport = (text: string): Uint8Array => wat(filterWat("", `${text} (memory (export "memory") 1)`));
    expect(codes(withImport('(import "env" "abort" (func (param i32 i32 i32 i32)))'))).toEqual([]);
    expect(
      codes(withImport('(import "wasi_unstable" "fd_write" (func (param i32 i32 i32 i32) (result i32)))')),
    ).toEqual([]);
    expect(codes(withImport('(import "wasi_snapshot_preview1" "fd_wrote" (func))'))).toEqual(["unknown_import"]);
    expect(refusal(withImport('(import "game" "shoot" (func))'))).toContain("game.shoot");
    expect(codes(withImport('(import "env" "g" (global i32))'))).toEqual(["unknown_import"]);
    expect(codes(withImport('(import "env" "t" (table 1 funcref))'))).toEqual(["imported_table"]);
    const future = inspectModule(withImport('(import "env" "proxy_future" (func))'));
    expect([future.problems, future.warnings]).toEqual([
      [],
      [
        "imports env.proxy_future, which answers UNIMPLEMENTED: this host does not know it; use a function of proxy-wasm 0.2.1, or be ready for status 12",
      ],
    ]);
  });

  test("says what to do about an import nobody offers", () => {
    const hint = (text: string): string | undefined =>
      inspectModule(wat(filterWat("", `${text} (memory (export "memory") 1)`))).problems[0]?.hint;
    expect(hint('(import "env" "seed" (func (result f64)))')).toContain("the SDK's random");
    expect(hint('(import "wasi_unstable" "fd_wrote" (func))')).toContain("check its spelling");
    expect(hint('(import "wasi:io/poll" "poll" (func))')).toContain("wasm32-wasip1");
    expect(hint('(import "game" "shoot" (func))')).toContain("proxy_* of module env");
  });

  test("refuses memories that limits cannot hold", () => {
    expect(codes(wat(filterWat("", '(memory (export "memory") 1) (memory 1)')))).toEqual(["multi_memory"]);
    expect(codes(wat(filterWat("", '(memory (export "memory") 1 2 shared)')))).toEqual(["shared_memory"]);
    expect(codes(wat(filterWat("", '(memory (export "memory") i64 1)')))).toEqual(["memory64"]);
    expect(codes(wat(filterWat("", '(import "env" "memory" (memory 1)) (export "memory" (memory 0))')))).toEqual([
      "imported_memory",
    ]);
    expect(codes(wat(filterWat("", "(memory 1)")))).toEqual(["no_memory"]);
    expect(codes(wat(filterWat("", "")))).toEqual(["no_memory"]);
  });

  test("refuses GC types by name", () => {
    const bytes = core(section(1, 1, 0x5f, 0));
    expect(codes(bytes)).toContain("gc_types");
  });

  test("warns of a start section, of wrong callback names, and of a sluice section that is no JSON", () => {
    const module = filterWat(`(func $s) (start $s)
      (func (export "proxy_on_grpc_trailing_metadata") (param i32 i32 i32))`);
    const info = inspectModule(append(wat(module), custom("sluice", "{")));
    expect([info.problems, info.sluice, info.hasStartSection]).toEqual([[], null, true]);
    expect(info.warnings.length).toBe(3);
  });

  test("knows a component, and refuses it where a core module is expected", () => {
    const component = Uint8Array.from([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]);
    expect(inspectModule(component)).toMatchObject({ kind: "component", problems: [] });
    expect(refusal(component)).toContain("component");
  });

  test("names the offset where the bytes stop making sense", () => {
    expect(refusal(Buffer.from("not wasm at all"))).toMatch(/not a wasm binary at byte 0/);
    expect(refusal(new Uint8Array())).toMatch(/ends too early at byte 0/);
    expect(refusal(Uint8Array.from([...HEAD, 1, 100, 0]))).toMatch(/section 1 says 100 bytes, 1 are left at byte 8/);
    expect(refusal(core(section(3, 0), section(1, 0)))).toMatch(/out of order at byte 11/);
    expect(refusal(core(section(1, 0), section(1, 0)))).toMatch(/twice/);
    expect(refusal(core(section(77, 0)))).toMatch(/unknown section 77/);
    expect(refusal(core([1, 0xff, 0xff, 0xff, 0xff, 0x7f]))).toMatch(/more than 32 bits/);
    expect(refusal(core([1, 0x80, 0x80, 0x80, 0x80, 0x80, 0]))).toMatch(/more than/);
    expect(refusal(core(section(1, 0, 9)))).toBe(
      "filter f: " +
        inspectModule(core(section(1, 0, 9)))
          .problems.map((p) => p.message)
          .join("; filter f: "),
    );
    expect(refusal(core(section(1, 0xff, 0xff, 3)))).toMatch(/./);
    expect(refusal(core(section(7, 1, 1, 97, 9, 0)))).toMatch(/unknown kind 9/);
  });

  test("never throws and never finds a cut filter whole, whatever the bytes", async () => {
    const whole = await assembly(`export function proxy_abi_version_0_2_1(): void {}
      export function malloc(n: i32): usize { return heap.alloc(n); }
      export function proxy_on_tick(id: i32): void {}`);
    expect(codes(whole)).toEqual([]);
    const sections: number[] = [];
    for (let length = 0; length < whole.length; length++) {
      if (codes(whole.subarray(0, length)).length === 0) sections.push(length);
    }
    // A cut at the end of a section is a module of its own, only code and data are then missing: validation's business.
    expect(sections.length).toBeLessThan(8);
    const random = seededRandom(3);
    for (let round = 0; round < 3000; round++) {
      const mutant = Uint8Array.from(whole);
      for (let hits = 0; hits < 3; hits++)
        mutant[Math.floor(random.fraction() * mutant.length)] = random.fraction() * 256;
      expect(inspectModule(mutant).size).toBe(whole.length);
    }
  });
});
