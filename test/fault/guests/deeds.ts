// What hostile filters do: one line each, with how it must end. `test/support/hostile.ts` puts each into every callback.
import { at, type Deed, HOST_CALLS, PAIRS_AT, PAIRS_SIZE, paramsOf } from "../../support/hostile.ts";

/** How a deed ends its instance; "lives" = not at all. Several where it depends on what the callback may touch. */
export type End = "lives" | "trap" | "stack" | "fuel" | "oom" | "restricted_callback" | "proc_exit";

export interface HostileDeed extends Deed {
  readonly name: string;
  readonly ends: readonly End[];
  /** The module is refused before it runs. */
  readonly refused?: RegExp;
}

const deed = (name: string, ends: End | readonly End[], does: string, rest: Deed = {}): HostileDeed => ({
  name,
  ends: typeof ends === "string" ? [ends] : ends,
  does,
  ...rest,
});

const again = (body: string): string => `(loop $l ${body} (br $l))`;
const repeat = (count: number, body: string): string =>
  `(local $i i32) (loop $l ${body} (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${count}))))`;
const NOTHING = "(i32.const 0) (i32.const 0)";
const OUT = "(i32.const 300) (i32.const 304)";
const pairs = `(i32.const ${PAIRS_AT}) (i32.const ${PAIRS_SIZE})`;
const FAR = "(i32.const -16)";
const get = `(drop (call $get_header_map_value (i32.const 0) ${at("x-a")} ${OUT}))`;
const allPairs = `(drop (call $get_header_map_pairs (i32.const 0) ${OUT}))`;
const add = (name: string, value: string, map = 0): string =>
  `(drop (call $add_header_map_value (i32.const ${map}) ${at(name)} ${at(value)}))`;
const replace = (name: string, value: string, map = 0): string =>
  `(drop (call $replace_header_map_value (i32.const ${map}) ${at(name)} ${at(value)}))`;
const reply = `(drop (call $send_local_response (i32.const 418) ${NOTHING} ${NOTHING} ${NOTHING} (i32.const -1)))`;
const call = (timeout: number, cluster = at("web")): string =>
  `(drop (call $http_call ${cluster} ${pairs} ${NOTHING} ${NOTHING} (i32.const ${timeout}) (i32.const 430)))`;

const CPU: readonly HostileDeed[] = [
  deed("an endless loop", "fuel", "(loop $l (br $l))"),
  deed("two loops inside each other", "fuel", "(loop $a (loop $b (br_if $b (i32.const 1))) (br $a))"),
  deed("a loop around fills", "fuel", again("(memory.fill (i32.const 1024) (i32.const 1) (i32.const 65536))")),
  deed("a loop around copies", "fuel", again("(memory.copy (i32.const 1024) (i32.const 2048) (i32.const 65536))")),
  deed("a loop around data.init", "fuel", again("(memory.init $d (i32.const 1024) (i32.const 0) (i32.const 3))"), {
    more: '(data $d "abc")',
  }),
  deed("a loop around table fills", "fuel", again("(table.fill $t (i32.const 0) (ref.null func) (i32.const 4096))"), {
    more: "(table $t 4096 funcref)",
  }),
  deed("a loop around table copies", "fuel", again("(table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 4000))"), {
    more: "(table $t 4096 funcref)",
  }),
  deed(
    "a loop of straight-line divisions",
    "fuel",
    `(local $x i64) ${again("(local.set $x (i64.div_u (i64.const 9) (i64.const 7)))".repeat(500))}`,
  ),
  deed(
    "a loop of square roots",
    "fuel",
    `(local $x f64) ${again("(local.set $x (f64.sqrt (f64.add (local.get $x) (f64.const 1e-310))))".repeat(100))}`,
  ),
  deed("exponential recursion", "fuel", "(call $fib (i32.const 60))", {
    more: "(func $fib (param i32) (if (local.get 0) (then (call $fib (i32.sub (local.get 0) (i32.const 1))) (call $fib (i32.sub (local.get 0) (i32.const 1))))))",
  }),
  deed("mutual tail calls", "fuel", "(call $a)", { more: "(func $a (return_call $b)) (func $b (return_call $a))" }),
  deed("a loop through br_table", "fuel", "(loop $l (br_table $l $l $l (i32.const 2)))"),
  deed("a loop entered by try", "fuel", "(loop $l (try (do (throw $e)) (catch_all (br $l))))", { more: "(tag $e)" }),
  deed("calling its own callback", ["fuel", "stack"], "(call $me)", { more: "(func $me (call $deed))" }),
  deed("a storm of host calls", "fuel", again("(drop (call $get_log_level (i32.const 300)))")),
  deed("a storm of logs", "fuel", again(`(drop (call $log (i32.const 2) ${at("wasm")}))`)),
  deed(
    "a storm of copies out of the host",
    "fuel",
    again(
      "(drop (call $set_shared_data (i32.const 16) (i32.const 1) (i32.const 1024) (i32.const 60000) (i32.const 0)))",
    ),
  ),
  deed(
    "metrics without end",
    "fuel",
    `(local $i i32) ${again("(i32.store (i32.const 440) (local.tee $i (i32.add (local.get $i) (i32.const 1)))) (drop (call $define_metric (i32.const 0) (i32.const 440) (i32.const 4) (i32.const 300)))")}`,
  ),
  deed("growing memory in a loop, refused or not", ["fuel", "lives"], again("(drop (memory.grow (i32.const 1)))")),
  deed(
    "loads that miss every cache",
    "fuel",
    `(local $x i32) ${again("(local.set $x (i32.load (i32.and (i32.mul (local.get $x) (i32.const 1664525)) (i32.const 65532))))")}`,
  ),
  deed("atomics in a loop", "fuel", again("(drop (i32.atomic.rmw.add (i32.const 1024) (i32.const 1)))")),
  deed(
    "SIMD in a loop",
    "fuel",
    `(local $v v128) ${again("(local.set $v (i32x4.mul (local.get $v) (local.get $v)))")}`,
  ),
];

const TRAPS: readonly HostileDeed[] = [
  deed("unreachable", "trap", "unreachable"),
  deed("a load out of bounds", "trap", "(drop (i32.load (i32.const -4)))"),
  deed("a store out of bounds", "trap", "(i64.store (i32.const -4) (i64.const 1))"),
  deed("a division by zero", "trap", "(drop (i32.div_u (i32.const 1) (i32.const 0)))"),
  deed("an overflowing division", "trap", "(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))"),
  deed("a conversion out of range", "trap", "(drop (i32.trunc_f64_s (f64.const 1e20)))"),
  deed("an indirect call of a wrong type", "trap", "(call_indirect (type $two) (i32.const 1) (i32.const 0))", {
    more: "(type $two (func (param i32))) (table 1 funcref) (elem (i32.const 0) $deed)",
  }),
  deed("an indirect call of nothing", "trap", "(call_indirect (i32.const 0))", { more: "(table 1 funcref)" }),
  deed("a fill out of bounds", ["trap", "fuel"], "(memory.fill (i32.const 0) (i32.const 1) (i32.const -1))"),
  deed("a table read out of bounds", "trap", "(drop (table.get $t (i32.const 9)))", { more: "(table $t 1 funcref)" }),
  deed("an exception nobody catches", ["trap"], "(throw $e)", { more: "(tag $e)" }),
  deed("endless recursion", "stack", "(call $deed)", {}),
  deed("recursion with many locals", "stack", "(call $deep)", {
    more: `(func $deep ${"(local i64 i64 i64 i64 i64 i64 i64 i64)".repeat(40)} (call $deep))`,
  }),
  deed("leaving through proc_exit", "proc_exit", "(call $proc_exit (i32.const 0))"),
  deed(
    "leaving through proc_exit and catching it",
    "proc_exit",
    "(try (do (call $proc_exit (i32.const 1))) (catch_all))",
  ),
];

const MEMORY: readonly HostileDeed[] = [
  deed(
    "all memory, then a trap",
    "oom",
    "(loop $l (br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable",
  ),
  deed("all memory, and going on", "lives", "(loop $l (br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))"),
  deed("a huge growth at once", "lives", "(drop (memory.grow (i32.const 65535)))"),
  deed("a huge table", "lives", "(drop (table.grow $t (ref.null func) (i32.const 0x7fffffff)))", {
    more: "(table $t 1 funcref)",
  }),
  deed("an allocator that traps", ["trap", "lives"], `${allPairs} ${get}`, { allocator: "unreachable" }),
  deed("an allocator that gives nothing", "lives", allPairs, { allocator: "(i32.const 0)" }),
  deed("an allocator that points outside", "lives", allPairs, { allocator: "(i32.const -8)" }),
  deed("an allocator that points at the host's outputs", "lives", allPairs, { allocator: "(i32.const 300)" }),
  deed("an allocator that calls the host", ["restricted_callback", "lives"], `${allPairs} ${get}`, {
    allocator: "(drop (call $continue_stream (i32.const 0))) (i32.const 1024)",
  }),
  deed("an allocator that loops", ["fuel", "lives"], `${allPairs} ${get}`, {
    allocator: "(loop $l (br $l)) (i32.const 0)",
  }),
  deed("an allocator that grows the memory", "lives", allPairs, {
    allocator: "(drop (memory.grow (i32.const 1))) (i32.const 65536)",
  }),
  deed(
    "an allocator that calls the deed again",
    ["stack", "lives", "fuel", "restricted_callback", "trap"],
    `${allPairs} ${get}`,
    {
      allocator: "(call $deed) (i32.const 1024)",
    },
  ),
];

const HEADERS: readonly HostileDeed[] = [
  deed(
    "line breaks in header values",
    "lives",
    [0, 1, 2, 3].map((map) => add("x-a", "evil\r\nx-injected: 1", map)).join(" "),
  ),
  deed(
    "line breaks in header names",
    "lives",
    [0, 1, 2, 3].map((map) => add("evil\r\nx-injected: 1", "x-a", map)).join(" "),
  ),
  deed("line breaks in :path", "lives", replace(":path", "evil\r\nx-injected: 1")),
  deed(
    "a NUL in a header",
    "lives",
    `(drop (call $add_header_map_value (i32.const 0) ${at("x-a")} (i32.const 0) (i32.const 4)))`,
  ),
  deed("an empty name", "lives", `(drop (call $add_header_map_value (i32.const 0) ${NOTHING} ${at("x-a")}))`),
  deed("a hundred thousand headers", ["fuel", "lives"], repeat(100_000, add("x-a", "x-a"))),
  deed(
    "a value of 64 KiB",
    "lives",
    `(memory.fill (i32.const 1024) (i32.const 97) (i32.const 65536)) (drop (call $add_header_map_value (i32.const 0) ${at("x-a")} (i32.const 1024) (i32.const 65536)))`,
  ),
  deed("removing what is mandatory", "lives", `(drop (call $remove_header_map_value (i32.const 0) ${at(":path")}))`),
  deed(
    "pairs that lie about their count",
    "lives",
    `(i32.store (i32.const 1024) (i32.const 0x7fffffff)) (drop (call $set_header_map_pairs (i32.const 0) (i32.const 1024) (i32.const 64)))`,
  ),
  deed(
    "pairs that lie about their sizes",
    "lives",
    `(i32.store (i32.const 1024) (i32.const 1)) (i32.store (i32.const 1028) (i32.const -1)) (drop (call $set_header_map_pairs (i32.const 0) (i32.const 1024) (i32.const 64)))`,
  ),
  deed(
    "an empty map in place of the request's",
    "lives",
    `(i32.store (i32.const 1024) (i32.const 0)) (drop (call $set_header_map_pairs (i32.const 0) (i32.const 1024) (i32.const 4)))`,
  ),
];

const FLOW: readonly HostileDeed[] = [
  deed("two local replies", "lives", `${reply} ${reply}`),
  deed(
    "a reply with an impossible status",
    "lives",
    `(drop (call $send_local_response (i32.const 99999) ${NOTHING} ${NOTHING} ${NOTHING} (i32.const -1)))`,
  ),
  deed(
    "a reply whose details hold a line break",
    "lives",
    `(drop (call $send_local_response (i32.const 418) ${at("evil\r\nx-injected: 1")} ${NOTHING} ${NOTHING} (i32.const -1)))`,
  ),
  deed(
    "continue without a pause",
    "lives",
    repeat(50, "(drop (call $continue_stream (i32.const 0))) (drop (call $continue_stream (i32.const 1)))"),
  ),
  deed(
    "closing everything",
    "lives",
    [0, 1, 2, 3].map((type) => `(drop (call $close_stream (i32.const ${type})))`).join(" "),
  ),
  deed(
    "replying, continuing and closing at once",
    "lives",
    `${reply} (drop (call $continue_stream (i32.const 0))) (drop (call $close_stream (i32.const 1)))`,
  ),
  deed(
    "acting on a context that is not there",
    "lives",
    `(drop (call $set_effective_context (i32.const 12345))) ${get}`,
  ),
  deed("acting on context 0", "lives", `(drop (call $set_effective_context (i32.const 0))) ${reply}`),
  deed(
    "acting on every context",
    "lives",
    repeat(40, `(drop (call $set_effective_context (local.get $i))) ${get} ${add("x-a", "x-a")}`),
  ),
  deed(
    "replying on every context",
    "lives",
    repeat(40, `(drop (call $set_effective_context (local.get $i))) ${reply}`),
  ),
  deed("done, without having been asked", "lives", "(drop (call $done))"),
  deed("a tick without pause", "lives", "(drop (call $set_tick_period_milliseconds (i32.const 1)))"),
  deed("ten thousand call-outs", ["lives", "fuel"], repeat(10_000, call(1))),
  deed("a call-out to nobody", "lives", call(1, at("vm"))),
  deed("a call-out with a negative timeout", "lives", call(-1)),
  deed(
    "a hundred gRPC streams, cancelled and closed",
    "lives",
    repeat(
      100,
      `(drop (call $grpc_stream ${at("web")} ${at("s.S")} ${at("M")} ${NOTHING} (i32.const 430))) (drop (call $grpc_cancel (i32.load (i32.const 430)))) (drop (call $grpc_close (i32.load (i32.const 430))))`,
    ),
  ),
  deed(
    "gRPC on calls that are not there",
    "lives",
    `(drop (call $grpc_send (i32.const 99) ${at("wasm")} (i32.const 1))) (drop (call $grpc_cancel (i32.const -1))) (drop (call $grpc_close (i32.const 4)))`,
  ),
];

const STORES: readonly HostileDeed[] = [
  deed(
    "shared data until it is full",
    ["lives", "fuel"],
    repeat(
      2000,
      "(i32.store (i32.const 440) (local.get $i)) (drop (call $set_shared_data (i32.const 440) (i32.const 4) (i32.const 1024) (i32.const 1000) (i32.const 0)))",
    ),
  ),
  deed(
    "a key of 100 KB",
    "lives",
    `(drop (call $set_shared_data (i32.const 0) (i32.const 100000) ${at("wasm")} (i32.const 0)))`,
  ),
  deed(
    "a queue that is never emptied",
    ["lives", "fuel"],
    repeat(20_000, `(drop (call $enqueue_shared_queue (i32.load (i32.const 256)) ${at("wasm")}))`),
  ),
  deed(
    "a queue that feeds itself",
    "lives",
    `(drop (call $enqueue_shared_queue (i32.load (i32.const 256)) ${at("wasm")}))`,
  ),
  deed(
    "queues without end",
    ["lives", "fuel"],
    repeat(
      3000,
      "(i32.store (i32.const 440) (local.get $i)) (drop (call $register_shared_queue (i32.const 440) (i32.const 4) (i32.const 300)))",
    ),
  ),
  deed(
    "metrics that are not there",
    "lives",
    "(drop (call $increment_metric (i32.const -1) (i64.const -1))) (drop (call $record_metric (i32.const 0) (i64.const -1))) (drop (call $get_metric (i32.const 77) (i32.const 300)))",
  ),
  deed(
    "a metric of an impossible type",
    "lives",
    `(drop (call $define_metric (i32.const 99) ${at("metric")} (i32.const 300)))`,
  ),
  deed(
    "a metric under a name with line breaks",
    "lives",
    `(drop (call $define_metric (i32.const 0) ${at("evil\r\nx-injected: 1")} (i32.const 300)))`,
  ),
  deed(
    "properties of the host's own",
    "lives",
    `(drop (call $set_property ${at(":path")} ${at("wasm")})) (drop (call $set_property ${at("vm")} (i32.const 0) (i32.const 70000)))`,
  ),
  deed(
    "three hundred properties",
    "lives",
    repeat(
      300,
      `(i32.store (i32.const 440) (i32.add (i32.const 0x61616161) (local.get $i))) (drop (call $set_property (i32.const 440) (i32.const 4) ${at("wasm")}))`,
    ),
  ),
  deed("a log line of 100 KB", "lives", "(drop (call $log (i32.const 4) (i32.const 0) (i32.const 100000)))"),
  deed("a log level that is none", "lives", `(drop (call $log (i32.const 77) ${at("wasm")}))`),
  deed(
    "a foreign function that is not there",
    "lives",
    `(drop (call $call_foreign_function ${at("evil\r\nx-injected: 1")} ${NOTHING} ${OUT}))`,
  ),
  deed(
    "buffers beyond their end",
    "lives",
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 99]
      .map(
        (id) =>
          `(drop (call $get_buffer_bytes (i32.const ${id}) (i32.const -1) (i32.const -1) ${OUT})) (drop (call $set_buffer_bytes (i32.const ${id}) (i32.const -1) (i32.const -1) ${at("wasm")}))`,
      )
      .join(" "),
  ),
  deed(
    "a body made of 60 KB per chunk",
    "lives",
    "(drop (call $set_buffer_bytes (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 1024) (i32.const 60000))) (drop (call $set_buffer_bytes (i32.const 1) (i32.const 0) (i32.const -1) (i32.const 1024) (i32.const 60000)))",
  ),
  deed(
    "outputs that overlap",
    "lives",
    "(drop (call $get_header_map_pairs (i32.const 0) (i32.const 300) (i32.const 301)))",
  ),
  deed(
    "outputs outside",
    "lives",
    `(drop (call $get_header_map_pairs (i32.const 0) ${FAR} ${FAR})) (drop (call $get_property ${at("vm")} ${FAR} (i32.const 300)))`,
  ),
];

/** Put into every callback. */
export const DEEDS: readonly HostileDeed[] = [...CPU, ...TRAPS, ...MEMORY, ...HEADERS, ...FLOW, ...STORES];

const withAll = (name: string, i32: string, i64: string): string =>
  `(drop (call $${name.replace(/^proxy_/, "")} ${paramsOf(name)
    .map((type) => (type === "i64" ? `(i64.const ${i64})` : `(i32.const ${i32})`))
    .join(" ")}))`;

/** Every host call with arguments that are nonsense. */
export const ARGUMENT_DEEDS: readonly HostileDeed[] = HOST_CALLS.flatMap((name) =>
  [
    ["0", "0"],
    ["-1", "-1"],
    ["0x7fffffff", "0x7fffffffffffffff"],
    ["131071", "1"],
  ].map(([i32 = "0", i64 = "0"]) => deed(`${name} with ${i32} everywhere`, "lives", withAll(name, i32, i64))),
);

/** Modules that are refused before they run, by what they are. */
export const REFUSED: readonly (HostileDeed & { readonly refused: RegExp })[] = [
  { ...deed("a shared memory", "lives", ""), memory: '(memory (export "memory") 1 2 shared)', refused: /shared/ },
  { ...deed("a memory above its cap", "lives", ""), memory: '(memory (export "memory") 2000)', refused: /2000 pages/ },
  { ...deed("a table above its cap", "lives", ""), more: "(table 200000 funcref)", refused: /200000 entries/ },
  {
    ...deed("a counter of its own", "lives", ""),
    more: '(global (export "__fuel") (mut i32) (i32.const 0))',
    refused: /__fuel/,
  },
  {
    ...deed("a meter of its own", "lives", ""),
    more: '(global (export "__fuel_used:proxy_on_log") (mut i64) (i64.const 0))',
    refused: /__fuel_used/,
  },
];
