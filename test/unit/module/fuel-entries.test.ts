import { describe, expect, test } from "vitest";
import { instrument } from "../../../host/module/fuel.ts";
import { filterWat, run, wat } from "./build.ts";

const BUDGET = 10_000;
const LOOP = `(local $i i32) (local.set $i (i32.const 100))
  (loop $l (local.set $i (i32.sub (local.get $i) (i32.const 1))) (br_if $l (local.get $i)))`;

function start(more: string) {
  const exports = run(instrument(wat(filterWat(more)), { initial: BUDGET }).bytes);
  return { exports, budget: (exports as unknown as { __fuel_budget: WebAssembly.Global }).__fuel_budget };
}

describe("the fuel counter at the entry of a callback", () => {
  test("each callback begins with the whole budget, whatever the one before used", () => {
    const { exports } = start(`(func (export "proxy_on_tick") (param i32) ${LOOP})`);
    exports["proxy_on_tick"]!(1);
    const left = Number(exports.__fuel.value);
    exports["proxy_on_tick"]!(1);
    expect(Number(exports.__fuel.value)).toBe(left);
    expect(left).toBeLessThan(BUDGET);
  });

  test("the host sets the budget once, for all callbacks to come", () => {
    const { exports, budget } = start(`(func (export "proxy_on_tick") (param i32) ${LOOP})`);
    budget.value = 5;
    expect(() => exports["proxy_on_tick"]!(1)).toThrow(WebAssembly.RuntimeError);
    expect(Number(exports.__fuel.value)).toBeLessThan(0);
  });

  test("arguments and results pass through, of every type and number", () => {
    const { exports } = start(`(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
        (i32.add (i32.mul (local.get 0) (i32.const 100)) (i32.sub (local.get 1) (local.get 2))))
      (func (export "proxy_on_request_trailers") (param i64 f64) (result f64)
        (f64.add (f64.convert_i64_s (local.get 0)) (local.get 1)))`);
    expect(exports["proxy_on_request_headers"]!(7, 5, 2)).toBe(703);
    expect(exports["proxy_on_request_trailers"]!(4n as unknown as number, 0.5)).toBe(4.5);
  });

  test("a guest that calls its own callback refills nothing", () => {
    const { exports } = start(`(func $tick (export "proxy_on_tick") (param i32) (call $tick (i32.const 0)))`);
    expect(() => exports["proxy_on_tick"]!(1)).toThrow(WebAssembly.RuntimeError);
    expect(Number(exports.__fuel.value)).toBeLessThan(0);
  });

  test("the allocator and other exports go on with what is left", () => {
    const { exports } = start(`(func (export "proxy_on_tick") (param i32) ${LOOP}) (func (export "helper") ${LOOP})`);
    exports["proxy_on_tick"]!(1);
    const left = Number(exports.__fuel.value);
    exports["proxy_on_memory_allocate"]!(8);
    exports["helper"]!();
    expect(Number(exports.__fuel.value)).toBeLessThan(left);
  });

  test("one function under two names has an entry for each; an imported one is left as it is", () => {
    const { exports } = start(`(func $both (export "proxy_on_log") (export "proxy_on_delete") (param i32) ${LOOP})`);
    exports["proxy_on_log"]!(1);
    const left = Number(exports.__fuel.value);
    exports["proxy_on_delete"]!(1);
    expect(Number(exports.__fuel.value)).toBe(left);
    const imported = `(module (import "env" "f" (func $f (param i32))) (memory 1)
      (export "proxy_on_tick" (func $f)) (func (export "g")))`;
    expect(() => run(instrument(wat(imported), { initial: 9 }).bytes)["proxy_on_tick"]!(1)).not.toThrow();
  });

  test("an export called __fuel_budget is refused by name", () => {
    const text = `(module (global (export "__fuel_budget") (mut i32) (i32.const 1)))`;
    expect(() => instrument(wat(text), { initial: 0 })).toThrow(/__fuel_budget/);
  });
});
