// What a module exports and how it starts (abi.md 2, 3.1, 15.7), what it may call while it starts or allocates, and the
// ways it can die (13).
import type { Case } from "../case.ts";
import { ALLOCATOR } from "../functions.ts";
import { call, on, onNth, out, outText, pairs, text, type Operation } from "../script.ts";
import { IMA, NOT_FOUND, OK, PAUSE } from "./status.ts";

const OPEN = { response: { status: 200 } } as const;
const PATH = [0, text(":path"), ...outText()];
const readPath = call("proxy_get_header_map_value", PATH, OK, { texts: { 0: "/" } });
const refused = (id: string, title: string, variant: Case["variant"], message: string): Case => ({
  id,
  section: "2",
  title,
  script: [],
  request: null,
  ...(variant === undefined ? {} : { variant }),
  expect: { refused: message },
});

const VERSIONS: readonly Case[] = [
  ...["0_1_0", "0_2_0", "0_2_1"].map((marker): Case => ({
    id: `version-${marker}`,
    section: "2",
    title: `a module marked ${marker} runs`,
    script: [on("request_headers", [readPath])],
    variant: { markers: [marker] },
    expect: OPEN,
  })),
  {
    id: "version-missing-key-0_1_0",
    section: "2",
    title: "0.1.0: a missing header is OK and empty",
    script: [
      on("request_headers", [
        call("proxy_get_header_map_value", [0, text("x-none"), ...outText()], OK, { texts: { 0: "" } }),
      ]),
    ],
    variant: { markers: ["0_1_0"] },
  },
  ...[["0_2_0"], ["0_2_1"], ["0_1_0", "0_2_1"], ["0_1_0", "0_2_0"]].map((markers): Case => ({
    id: `version-missing-key-${markers.join("+")}`,
    section: "2",
    title: `${markers.join(" and ")}: a missing header is NOT_FOUND`,
    script: [on("request_headers", [call("proxy_get_header_map_value", [0, text("x-none"), ...outText()], NOT_FOUND)])],
    variant: { markers },
  })),
  {
    id: "version-header-arity",
    section: "2",
    title: "header callbacks with two arguments, whatever the marker says",
    script: [on("request_headers", [readPath]), on("response_headers", [])],
    variant: { markers: ["0_1_0"], headerArity: 2 },
    expect: OPEN,
  },
  {
    id: "version-header-arity-new",
    section: "2",
    title: "two arguments under a new marker",
    script: [on("request_headers", [readPath])],
    variant: { headerArity: 2 },
    expect: OPEN,
  },
  {
    id: "version-configuration-0_1_0",
    section: "5.4",
    title: "0.1.0: proxy_get_configuration gives the plugin's while configuring, else the VM's",
    script: [
      on("vm_start", [call("proxy_get_configuration", [...outText()], OK, { texts: { 0: "for the vm" } })]),
      on("configure", [call("proxy_get_configuration", [...outText()], OK, { texts: { 0: "" } })]),
      on("request_headers", [call("proxy_get_configuration", [...outText()], OK, { texts: { 0: "for the vm" } })]),
    ],
    delivery: "environment",
    setup: { vmConfig: "for the vm" },
    variant: { markers: ["0_1_0"] },
  },
  {
    id: "version-continue-0_1_0",
    section: "5.4",
    title: "0.1.0: proxy_continue_request resumes",
    script: [
      on("request_headers", [call("proxy_continue_request", [], OK)], PAUSE),
      on("response_headers", [call("proxy_continue_response", [], OK)], PAUSE),
    ],
    variant: { markers: ["0_1_0"] },
    expect: OPEN,
  },
  {
    id: "version-clear-route-cache-0_1_0",
    section: "2",
    title: "0.1.0: proxy_clear_route_cache",
    script: [on("request_headers", [call("proxy_clear_route_cache", [], OK)])],
    variant: { markers: ["0_1_0"] },
    expect: OPEN,
  },
  refused("version-no-marker", "a module without a marker", { markers: [] }, "no proxy_abi_version_"),
  refused(
    "version-unknown-marker",
    "a module with a marker nobody knows",
    { markers: ["9_9_9"] },
    "no proxy_abi_version_",
  ),
  refused("allocator-none", "a module without an allocator", { allocator: "none" }, "malloc"),
];

const started = (id: string, starts: NonNullable<Case["variant"]>["starts"], order: readonly string[]): Case => ({
  id: `start-${id}`,
  section: "3.1",
  title: `start-up with ${starts === undefined ? "" : starts.join(" and ")}`,
  script: [],
  request: null,
  variant: starts === undefined ? {} : { starts },
  expect: {
    order: [...order, "root_create", "vm_start", "validate", "configure", "root_done", "root_delete"] as never,
  },
});

const STARTS: readonly Case[] = [
  started("initialize", ["_initialize"], ["initialize"]),
  started("initialize-main", ["_initialize", "main"], ["initialize", "main"]),
  started("initialize-main_void", ["_initialize", "__main_void"], ["initialize", "main"]),
  started("initialize-both-mains", ["_initialize", "main", "__main_void"], ["initialize", "main"]),
  started("start", ["_start"], ["start"]),
  started("initialize-and-start", ["_initialize", "_start"], ["initialize"]),
  started("main-alone", ["main"], []),
  started("nothing", [], []),
];

const counted = (allocator: "malloc" | "proxy_on_memory_allocate" | "both", used: number): Case => ({
  id: `allocator-${allocator}`,
  section: "15.7",
  title: `allocators: ${allocator}`,
  script: [
    on("request_headers", [
      readPath,
      call("probe_variable", [used === 14 ? 15 : 14], 0),
      call("proxy_log", [2, text("ok")], OK),
    ]),
  ],
  delivery: "configuration",
  variant: { allocator },
});
/** Runs with the allocator in a mode; `after` is back to normal. */
const allocating = (
  id: string,
  title: string,
  mode: number,
  does: readonly Operation[],
  more: Partial<Case> = {},
): Case => ({
  id: `allocator-${id}`,
  section: "7",
  title,
  script: [on("request_headers", [call("probe_allocator", [mode], 0), ...does])],
  ...more,
});
const reads: readonly Operation[] = [
  call("proxy_get_header_map_value", PATH, IMA),
  call("proxy_get_header_map_pairs", [0, ...outText()], IMA),
  call("proxy_get_buffer_bytes", [6, 0, 9, ...outText()], OK, { texts: { 0: "" } }),
  call("proxy_get_property", [text("request\0method"), ...outText()], IMA),
  call("proxy_call_foreign_function", [text("compress"), text("x"), ...outText()], IMA),
];

const ALLOCATORS: readonly Case[] = [
  counted("malloc", 14),
  counted("proxy_on_memory_allocate", 15),
  counted("both", 14),
  allocating(
    "answers-0",
    "an allocator that answers 0: INVALID_MEMORY_ACCESS, nothing written",
    ALLOCATOR.answersZero,
    reads,
  ),
  allocating("answers-outside", "an allocator whose block does not fit into memory", ALLOCATOR.answersOutside, [
    call("proxy_get_header_map_value", [0, text(":method"), ...outText()], IMA),
    call("proxy_get_header_map_pairs", [0, ...outText()], IMA),
  ]),
  allocating("answers-maximum", "an allocator that answers an address far outside", ALLOCATOR.answersMaximum, reads),
  allocating("grows-memory", "an allocator that grows memory between the outputs", ALLOCATOR.growsMemory, [
    readPath,
    readPath,
    call("proxy_get_header_map_pairs", [0, ...outText()], OK, { texts: { 0: null } }),
    call("proxy_get_current_time_nanoseconds", [out(8)], OK, { words: { 8: null, 12: null } }),
    call("probe_guard", [], 0),
  ]),
  allocating(
    "never-asked-for-0",
    "the allocator is not asked for empty values",
    ALLOCATOR.traps,
    [
      call("proxy_get_property", [text("nothing"), ...outText()], NOT_FOUND),
      call("proxy_get_header_map_value", [0, text("x-empty"), ...outText()], OK, { texts: { 0: "" } }),
      call("proxy_get_status", [out(16), ...outText()], OK, { words: { 16: 0 }, texts: { 0: "" } }),
      call("proxy_get_header_map_pairs", [2, ...outText()], OK, { texts: { 0: "" } }),
    ],
    { request: { headers: [["x-empty", ""]] } },
  ),
  allocating(
    "bad-outputs-before-asking",
    "bad output addresses are seen before the allocator is asked",
    ALLOCATOR.traps,
    [
      call("proxy_get_header_map_value", [0, text(":path"), 0xfffffff0, 0xfffffff4], IMA),
      call("proxy_get_header_map_pairs", [0, out(), 0xffffffff], IMA),
    ],
  ),
  allocating("traps", "an allocator that traps ends the instance", ALLOCATOR.traps, [readPath], {
    expect: { fault: "trap", response: { status: 503 } },
  }),
  {
    id: "allocator-logs",
    section: "3.1",
    title: "an allocator may log, and write to the WASI outputs",
    script: [
      on("request_headers", [call("probe_allocator", [ALLOCATOR.runsScript], 0), readPath]),
      on("allocate", [
        call("proxy_log", [2, text("from the allocator")], OK),
        call("fd_write", [1, 0, 0, out()], OK, { words: { 0: 0 } }),
        call("clock_time_get", [0, 0, out()], OK, { words: { 0: null, 4: null } }),
        call("poll_oneoff", [0, 0, 0, out()], OK, { words: { 0: 0 } }),
      ]),
    ],
    expect: { logged: [[2, "from the allocator"]], response: { status: 200 } },
  },
  ...(
    [
      ["proxy_get_header_map_value", PATH],
      ["proxy_set_shared_data", [text("k"), text("v"), 0]],
      ["proxy_get_log_level", [out()]],
      ["proxy_get_current_time_nanoseconds", [out()]],
      ["proxy_continue_stream", [0]],
      ["proxy_set_tick_period_milliseconds", [10]],
      ["proxy_define_metric", [0, text("m"), out()]],
      ["proxy_done", []],
      ["proxy_set_effective_context", [1]],
      ["random_get", [out(), 4]],
      ["environ_sizes_get", [out(), out(4)]],
      ["fd_close", [1]],
      ["wasi_unstable.sched_yield", []],
    ] as const
  ).map(([name, args]): Case => ({
    id: `allocator-restricted-${name}`,
    section: "3.1",
    title: `${name} inside the allocator ends the instance`,
    script: [
      on("request_headers", [
        call("probe_allocator", [ALLOCATOR.runsScript], 0),
        call("proxy_get_header_map_value", PATH),
      ]),
      on("allocate", [call(name, args)]),
    ],
    expect: { fault: "restricted_callback", response: { status: 503 } },
  })),
];

const START_ALLOWED: readonly Operation[] = [
  call("proxy_log", [2, text("starting")], OK),
  call("clock_time_get", [0, 0, out()], OK, { words: { 0: null, 4: null } }),
  call("clock_res_get", [0, out()], OK, { words: { 0: 1, 4: 0 } }),
  call("random_get", [out(), 4], OK, { words: { 0: null } }),
  call("args_sizes_get", [out(), out(4)], OK, { words: { 0: 0, 4: 0 } }),
  call("environ_sizes_get", [out(), out(4)], OK, { words: { 0: 1, 4: null } }),
  call("fd_write", [1, 0, 0, out()], OK, { words: { 0: 0 } }),
  call("poll_oneoff", [0, 0, 0, out()], OK, { words: { 0: 0 } }),
  call("sched_yield", [], OK),
  call("fd_fdstat_set_flags", [1, 0], 52),
  call("fd_prestat_get", [3, out()], 8),
  call("sock_shutdown", [3, 0], 58),
];
const START_FORBIDDEN = [
  ["proxy_get_log_level", [out()]],
  ["proxy_get_current_time_nanoseconds", [out()]],
  ["proxy_set_tick_period_milliseconds", [10]],
  ["proxy_get_status", [out(16), ...outText()]],
  ["proxy_done", []],
  ["proxy_set_effective_context", [1]],
  ["proxy_get_buffer_bytes", [6, 0, 10, ...outText()]],
  ["proxy_get_buffer_status", [6, out(), out(4)]],
  ["proxy_set_buffer_bytes", [0, 0, 0, text("x")]],
  ["proxy_get_header_map_size", [0, out()]],
  ["proxy_get_header_map_pairs", [0, ...outText()]],
  ["proxy_set_header_map_pairs", [0, pairs(["a", "b"])]],
  ["proxy_get_header_map_value", PATH],
  ["proxy_add_header_map_value", [0, text("a"), text("b")]],
  ["proxy_replace_header_map_value", [0, text("a"), text("b")]],
  ["proxy_remove_header_map_value", [0, text("a")]],
  ["proxy_continue_stream", [0]],
  ["proxy_close_stream", [0]],
  ["proxy_send_local_response", [200, text("d"), text("b"), pairs(), -1]],
  [
    "proxy_http_call",
    [text("web"), pairs([":method", "GET"], [":path", "/"], [":authority", "w"]), 0, 0, 0, 0, 0, out()],
  ],
  ["proxy_get_shared_data", [text("k"), ...outText(), out(16)]],
  ["proxy_set_shared_data", [text("k"), text("v"), 0]],
  ["proxy_register_shared_queue", [text("q"), out()]],
  ["proxy_resolve_shared_queue", [text(""), text("q"), out()]],
  ["proxy_enqueue_shared_queue", [1, text("x")]],
  ["proxy_dequeue_shared_queue", [1, ...outText()]],
  ["proxy_define_metric", [0, text("m"), out()]],
  ["proxy_record_metric", [0, 1]],
  ["proxy_increment_metric", [0, 1]],
  ["proxy_get_metric", [0, out()]],
  ["proxy_get_property", [text("plugin_name"), ...outText()]],
  ["proxy_set_property", [text("a"), text("b")]],
  ["proxy_call_foreign_function", [text("compress"), text("x"), ...outText()]],
] as const;

const RESTRICTED: readonly Case[] = [
  ...(["initialize", "main", "start"] as const).map((at): Case => ({
    id: `start-allowed-in-${at}`,
    section: "3.1",
    title: `what ${at} may call`,
    script: [on(at, START_ALLOWED)],
    delivery: "environment",
    variant: { starts: at === "initialize" ? ["_initialize"] : at === "main" ? ["_initialize", "main"] : ["_start"] },
    expect: { logged: [[2, "starting"]], response: { status: 200 } },
  })),
  ...START_FORBIDDEN.map(([name, args]): Case => ({
    id: `start-restricted-${name}`,
    section: "3.1",
    title: `${name} during start-up refuses the module`,
    script: [on("initialize", [call(name, args)])],
    delivery: "environment",
    request: null,
    expect: { refused: "not allowed during start-up" },
  })),
  {
    id: "start-restricted-in-main",
    section: "3.1",
    title: "main counts as start-up",
    script: [on("main", [call("proxy_get_log_level", [out()])])],
    delivery: "environment",
    request: null,
    variant: { starts: ["_initialize", "main"] },
    expect: { refused: "not allowed during start-up" },
  },
  {
    id: "start-restricted-in-start",
    section: "3.1",
    title: "_start counts as start-up",
    script: [on("start", [call("proxy_get_log_level", [out()])])],
    delivery: "environment",
    request: null,
    variant: { starts: ["_start"] },
    expect: { refused: "not allowed during start-up" },
  },
];

const trap = call("probe_trap", []);
const DEATHS: readonly Case[] = [
  ...(["request_headers", "request_body", "request_trailers", "response_headers"] as const).map((at): Case => ({
    id: `trap-in-${at}`,
    section: "13",
    title: `a trap in ${at} is answered 503`,
    script: [on(at, [trap])],
    request: { method: "POST", chunks: ["b"], trailers: [["x-t", "1"]] },
    expect: { fault: "trap", response: { status: 503 }, details: "wasm_fail_stream" },
  })),
  ...(["log", "done", "delete"] as const).map((at): Case => ({
    id: `trap-in-${at}`,
    section: "13",
    title: `a trap in ${at} does not touch the exchange`,
    script: [on(at, [trap])],
    expect: { fault: "trap", response: { status: 200 } },
    guests: ["wat", "c"],
  })),
  {
    id: "trap-fail-open",
    section: "13",
    title: "FAIL_OPEN skips the filter",
    script: [on("request_headers", [trap])],
    setup: { failurePolicy: "FAIL_OPEN" },
    expect: { fault: "trap", response: { status: 200 }, upstream: {} },
  },
  {
    id: "fuel",
    section: "14",
    title: "a callback that never ends is ended",
    script: [on("request_headers", [call("probe_loop", [])])],
    expect: { fault: "fuel", response: { status: 503 } },
  },
  {
    id: "memory-cap",
    section: "14",
    title: "memory.grow past the cap answers -1 and the guest goes on",
    script: [
      on("request_headers", [
        call("probe_grow", [100], -1),
        call("probe_grow", [1]),
        call("proxy_log", [2, text("alive")], OK),
      ]),
    ],
    setup: { memoryBytes: 1024 * 1024 },
    expect: { response: { status: 200 }, logged: [[2, "alive"]] },
  },
  {
    id: "trap-in-configure",
    section: "13",
    title: "a trap while configuring refuses the plugin",
    script: [on("configure", [trap])],
    delivery: "configuration",
    request: null,
    expect: { refused: "trap" },
  },
  {
    id: "trap-in-start",
    section: "13",
    title: "a trap in _initialize refuses the module",
    script: [on("initialize", [trap])],
    delivery: "environment",
    request: null,
    expect: { refused: "trap" },
  },
  {
    id: "trap-in-root-done",
    section: "13",
    title: "a trap at shutdown is tolerated",
    script: [on("root_done", [trap])],
    delivery: "configuration",
    request: null,
    expect: { fault: "trap" },
  },
  {
    id: "trap-second-run",
    section: "13",
    title: "what ran before the trap stays",
    script: [
      onNth("request_headers", 1, [call("proxy_add_header_map_value", [0, text("x-a"), text("1")], OK)]),
      on("response_headers", [trap]),
    ],
    expect: { fault: "trap", upstream: { headers: { "x-a": "1" } }, response: { status: 503 } },
  },
];

export const MODULE_CASES: readonly Case[] = [...VERSIONS, ...STARTS, ...ALLOCATORS, ...RESTRICTED, ...DEATHS];
