// The part of WASI preview 1 that a wrapped proxy-wasm module may use, as text for its adapter: outputs become log lines,
// time and randomness come from the world's host, everything else is refused as in vm/wasi.ts.
import type { ImportEntry } from "../sections.ts";
import { HOST, importLine } from "./adapter-words.ts";

const NOSYS = 52;
const BADF = 8;

const RANDOM = `;;import (import "${HOST}" "random" (func $h_random (param i32 i32)))`;

/** Bodies by name; the signature is the module's own. */
const BODIES: Readonly<Record<string, () => string>> = {
  fd_write: () => `(local i32 i32)
    (if (i32.gt_u (i32.sub (local.get 0) (i32.const 1)) (i32.const 1)) (then (return (i32.const ${BADF}))))
    (block $end (loop $next
      (br_if $end (i32.ge_u (local.get 4) (local.get 2)))
      (if (i32.load offset=4 (local.get 1)) (then
        (drop (call $h_proxy_log (select (i32.const 2) (i32.const 4) (i32.eq (local.get 0) (i32.const 1)))
          (i32.load (local.get 1)) (i32.load offset=4 (local.get 1))))))
      (local.set 5 (i32.add (local.get 5) (i32.load offset=4 (local.get 1))))
      (local.set 1 (i32.add (local.get 1) (i32.const 8)))
      (local.set 4 (i32.add (local.get 4) (i32.const 1)))
      (br $next)))
    (i32.store (local.get 3) (local.get 5)) (i32.const 0)`,
  clock_time_get: () => `(call $area) (call $h_proxy_get_current_time_nanoseconds (global.get $ret))
    (i64.store (local.get 2) (i64.load offset=8 (global.get $ret))) (i32.const 0)`,
  random_get: () => `(call $area) (call $h_random (local.get 1) (global.get $ret))
    (memory.copy (local.get 0) (i32.load (global.get $ret)) (i32.load offset=4 (global.get $ret))) (i32.const 0)`,
  environ_sizes_get: () => NOTHING,
  args_sizes_get: () => NOTHING,
  environ_get: () => "(i32.const 0)",
  args_get: () => "(i32.const 0)",
  sched_yield: () => "(i32.const 0)",
  fd_close: () => "(i32.const 0)",
  fd_prestat_get: () => `(i32.const ${BADF})`,
  fd_prestat_dir_name: () => `(i32.const ${NOSYS})`,
  fd_fdstat_get: () => `(i32.const ${BADF})`,
  fd_seek: () => `(i32.const ${NOSYS})`,
  fd_read: () => `(i32.const ${NOSYS})`,
  path_open: () => "(i32.const 44)",
  proc_exit: () => "unreachable",
  poll_oneoff: () => `(i32.const ${NOSYS})`,
};
const NOTHING = "(i32.store (local.get 0) (i32.const 0)) (i32.store (local.get 1) (i32.const 0)) (i32.const 0)";

const NEEDED: Readonly<Record<string, () => string>> = {
  fd_write: () => importLine("proxy_log", "ib"),
  clock_time_get: () => importLine("proxy_get_current_time_nanoseconds", "O"),
  random_get: () => RANDOM,
};

export const WASI_FUNCTIONS: ReadonlySet<string> = new Set(Object.keys(BODIES));

export function wasiFunction({ name, type }: ImportEntry): string {
  const params = type === undefined || type.params.length === 0 ? "" : `(param ${type.params.join(" ")})`;
  const results = type === undefined || type.results.length === 0 ? "" : `(result ${type.results.join(" ")})`;
  return `${NEEDED[name]?.() ?? ""}\n(func (export "${name}") ${params} ${results} ${BODIES[name]?.() ?? "unreachable"})`;
}
