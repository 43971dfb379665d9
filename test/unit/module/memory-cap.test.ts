import { describe, expect, test } from "vitest";
import { inspectModule } from "../../../host/module/inspect.ts";
import { capMemory, PAGE_BYTES } from "../../../host/module/memory-cap.ts";
import { core, run, section, wat } from "./build.ts";

const GROW = `(func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))`;

describe("the memory cap", () => {
  test("makes memory.grow fail exactly at the cap, in the guest and from the host", () => {
    const capped = capMemory(wat(`(module (memory (export "memory") 1) ${GROW})`), { memoryBytes: 16 * PAGE_BYTES });
    const exports = run(capped.bytes);
    expect([exports["grow"]!(15), exports["grow"]!(1), exports["grow"]!(0)]).toEqual([1, -1, 16]);
    expect(() => exports.memory.grow(1)).toThrow(RangeError);
  });

  test("keeps a lower maximum and lowers a higher one", () => {
    const max = (text: string): unknown =>
      inspectModule(capMemory(wat(`(module (memory ${text}) ${GROW})`), { memoryBytes: 300 * PAGE_BYTES + 5 }).bytes)
        .memory;
    expect([max("1 2"), max("1 65536"), max("300"), max("0")]).toEqual([
      { min: 1, max: 2 },
      { min: 1, max: 300 },
      { min: 300, max: 300 },
      { min: 0, max: 300 },
    ]);
  });

  test("refuses a module that begins above the cap, naming both numbers", () => {
    const module = wat(`(module (memory 20) ${GROW})`);
    expect(() => capMemory(module, { memoryBytes: 16 * PAGE_BYTES })).toThrow(/20 pages of 64 KiB, the cap is 16/);
  });

  test("caps every table, its initialiser and the elements behind it untouched", () => {
    const module = wat(`(module (memory 1) (table $a (export "a") 2 funcref) (table (export "b") 1 50 externref)
      (func $f (result i32) (i32.const 7)) (elem (table $a) (i32.const 1) func $f)
      (func (export "call") (result i32) (call_indirect $a (result i32) (i32.const 1)))
      (func (export "grow") (param i32) (result i32) (table.grow $a (ref.null func) (local.get 0))))`);
    const exports = run(capMemory(module, { memoryBytes: PAGE_BYTES, tableEntries: 10 }).bytes);
    expect([exports["call"]!(), exports["grow"]!(8), exports["grow"]!(1)]).toEqual([7, 2, -1]);
    const initialised = core(section(4, 1, 0x40, 0, 0x70, 0, 3, 0xd0, 0x70, 0x0b), section(7, 1, 1, 116, 1, 0));
    const table = (
      run(capMemory(initialised, { memoryBytes: PAGE_BYTES }).bytes) as unknown as {
        t: { length: number; get(at: number): unknown; grow(by: number): number };
      }
    ).t;
    expect([table.length, table.get(2)]).toEqual([3, null]);
    expect(() => table.grow(100_000)).toThrow(RangeError);
  });

  test("says how far the rest moved, and leaves a module without memory as it is", () => {
    const module = wat(`(module (memory 1) ${GROW})`);
    const { bytes, shift } = capMemory(module, { memoryBytes: 1024 * PAGE_BYTES });
    expect(Buffer.from(bytes.subarray(-20))).toEqual(Buffer.from(module.subarray(-20)));
    expect([shift, bytes.length]).toEqual([2, module.length + 2]);
    const none = wat(`(module (func (export "f")))`);
    expect(Buffer.from(capMemory(none, { memoryBytes: PAGE_BYTES }).bytes)).toEqual(Buffer.from(none));
  });
});
