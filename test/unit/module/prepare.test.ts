import { describe, expect, test } from "vitest";
import { ProblemError } from "../../../host/base/problem.ts";
import { instrument } from "../../../host/module/fuel.ts";
import { PAGE_BYTES } from "../../../host/module/memory-cap.ts";
import { originalOffset } from "../../../host/module/offsets.ts";
import { prepareModule } from "../../../host/module/prepare.ts";
import { core, filterWat, run, section, wat } from "./build.ts";

const options = { name: "f", memoryBytes: 4 * PAGE_BYTES, fuel: 100_000 };
const TICK = `(func (export "proxy_on_tick") (param i32) (loop $l (br $l)))
  (func (export "grow") (result i32) (memory.grow (i32.const 10)))
  (func (export "crash") (local i32) (loop (memory.fill (i32.const 0) (i32.const 0) (i32.const 8)) unreachable))`;

describe("preparing a module", () => {
  test("judges, caps and fuels it, and keeps what was said of the original", () => {
    const bytes = wat(filterWat(TICK));
    const prepared = prepareModule(bytes, options);
    expect([prepared.info.size, prepared.info.memory]).toEqual([bytes.length, { min: 1, max: null }]);
    const exports = run(prepared.bytes);
    expect(exports["grow"]!()).toBe(-1);
    expect(() => exports["proxy_on_tick"]!(1)).toThrow(WebAssembly.RuntimeError);
    expect(Number(exports.__fuel.value)).toBeLessThan(0);
    expect(WebAssembly.Module.exports(prepared.module).map((each) => each.name)).toContain("__fuel");
  });

  test("without fuel there is no counter and no table", () => {
    const prepared = prepareModule(wat(filterWat(TICK)), { ...options, fuel: null });
    expect(prepared.offsets).toBeNull();
    expect(run(prepared.bytes).__fuel).toBeUndefined();
  });

  test("says which filter, and why, at every step", () => {
    const refused = (bytes: Uint8Array): string => {
      try {
        prepareModule(bytes, options);
      } catch (error) {
        if (error instanceof ProblemError) return `${error.problems[0]?.code}: ${error.message}`;
      }
      return "";
    };
    expect(refused(wat(filterWat("", '(memory (export "memory") 5)')))).toBe(
      "memory_cap: filter f: the memory begins with 5 pages of 64 KiB, the cap is 4",
    );
    expect(refused(wat("(module)"))).toMatch(/^no_marker: filter f: /);
    expect(refused(wat(filterWat('(global (export "__fuel") i32 (i32.const 1))')))).toMatch(
      /^reserved_export: filter f: /,
    );
    const marker = Buffer.from("proxy_abi_version_0_2_1");
    const broken = core(
      section(1, 2, 0x60, 0, 0, 0x60, 1, 0x7f, 1, 0x7f),
      section(3, 2, 0, 1),
      section(5, 1, 0, 1),
      section(
        7,
        3,
        6,
        ...Buffer.from("memory"),
        2,
        0,
        marker.length,
        ...marker,
        0,
        0,
        6,
        ...Buffer.from("malloc"),
        0,
        1,
      ),
      section(10, 2, 2, 0, 0x0b, 2, 0, 0x0b),
    );
    expect(refused(broken)).toMatch(/^invalid: filter f: the module is not valid WebAssembly: .*function #1/);
  });

  test("the offset of a trap leads back to the original's instruction", () => {
    const bytes = wat(filterWat(TICK));
    const { offsets, bytes: rewritten } = prepareModule(bytes, options);
    const frameOf = (module: Uint8Array): number => {
      try {
        run(module)["crash"]!();
      } catch (error) {
        return Number.parseInt(/:0x([0-9a-f]+)/.exec((error as Error).stack ?? "")?.[1] ?? "", 16);
      }
      return -1;
    };
    const original = frameOf(bytes);
    expect(bytes[original]).toBe(0x00);
    expect(frameOf(rewritten)).toBeGreaterThan(original);
    expect(originalOffset(offsets!, frameOf(rewritten))).toBe(original);
  });

  test("every copied byte maps to where it came from, and inserted ones to what follows", () => {
    const bytes = wat(filterWat(TICK));
    const { bytes: rewritten, offsets } = instrument(bytes, { initial: 1 });
    for (let at = 0; at < offsets.length; at += 2) {
      const original = originalOffset(offsets, offsets[at]!);
      expect(original).toBe(offsets[at + 1]);
      expect(rewritten[offsets[at]!]).toBe(bytes[original!]);
    }
    expect([...offsets].filter((_, at) => at % 2 === 0)).toEqual(
      [...offsets].filter((_, at) => at % 2 === 0).sort((a, b) => a - b),
    );
    expect(originalOffset(Uint32Array.of(8, 8), 3)).toBeNull();
    expect(originalOffset(Uint32Array.of(0, 0, 30, 10), 20)).toBe(10);
  });
});
