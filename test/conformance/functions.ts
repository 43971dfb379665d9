// Every function a guest may import, with its wasm type and what its arguments are. One table: the guests' dispatchers are
// generated from it, and so are the cases about memory. A function's number in a script is its place here.

/**
 * One argument. `u32`/`i64` plain; `level`..`metric` an enum; `in` a pointer and a length to read; `outText` the addresses
 * of a pointer and of a size; `out4`/`out8` the address of a word; `memory` an address the host writes bytes to.
 */
export type Role =
  | "u32"
  | "i64"
  | "level"
  | "map"
  | "buffer"
  | "stream"
  | "metric"
  | "in"
  | "outText"
  | "out4"
  | "out8"
  | "memory";

export interface HostFunctionShape {
  readonly module: "env" | "wasi_snapshot_preview1" | "wasi_unstable";
  readonly name: string;
  readonly roles: readonly Role[];
  /** One letter a value: i = i32, I = i64. */
  readonly params: string;
  readonly hasResult: boolean;
}

/** Largest value of each enum (abi.md 4). */
export const LAST_OF: Readonly<Partial<Record<Role, number>>> = { level: 5, map: 7, buffer: 8, stream: 3, metric: 2 };

const WIDE: ReadonlySet<Role> = new Set<Role>(["in", "outText"]);

/** Letters of one argument. */
export const lettersOf = (role: Role): string => (WIDE.has(role) ? "ii" : role === "i64" ? "I" : "i");

const ENV = `
proxy_log level in
proxy_get_log_level out4
proxy_get_current_time_nanoseconds out8
proxy_set_tick_period_milliseconds u32
proxy_get_status out4 outText
proxy_done
proxy_set_effective_context u32
proxy_get_buffer_bytes buffer u32 u32 outText
proxy_get_buffer_status buffer out4 out4
proxy_set_buffer_bytes buffer u32 u32 in
proxy_get_header_map_size map out4
proxy_get_header_map_pairs map outText
proxy_set_header_map_pairs map in
proxy_get_header_map_value map in outText
proxy_add_header_map_value map in in
proxy_replace_header_map_value map in in
proxy_remove_header_map_value map in
proxy_continue_stream stream
proxy_close_stream stream
proxy_send_local_response u32 in in in u32
proxy_http_call in in in in u32 out4
proxy_grpc_call in in in in in u32 out4
proxy_grpc_stream in in in in out4
proxy_grpc_send u32 in u32
proxy_grpc_cancel u32
proxy_grpc_close u32
proxy_get_shared_data in outText out4
proxy_set_shared_data in in u32
proxy_register_shared_queue in out4
proxy_resolve_shared_queue in in out4
proxy_enqueue_shared_queue u32 in
proxy_dequeue_shared_queue u32 outText
proxy_define_metric metric in out4
proxy_record_metric u32 i64
proxy_increment_metric u32 i64
proxy_get_metric u32 out8
proxy_get_property in outText
proxy_set_property in in
proxy_call_foreign_function in in outText
proxy_continue_request
proxy_continue_response
proxy_clear_route_cache
proxy_get_configuration outText
proxy_of_tomorrow u32
pthread_equal u32 u32`;

const WASI = `
args_get u32 u32
args_sizes_get out4 out4
environ_get memory memory
environ_sizes_get out4 out4
clock_res_get u32 out8
clock_time_get u32 i64 out8
fd_advise u32 i64 i64 u32
fd_allocate u32 i64 i64
fd_close u32
fd_datasync u32
fd_fdstat_get u32 memory
fd_fdstat_set_flags u32 u32
fd_fdstat_set_rights u32 i64 i64
fd_filestat_get u32 memory
fd_filestat_set_size u32 i64
fd_filestat_set_times u32 i64 i64 u32
fd_pread u32 u32 u32 i64 out4
fd_prestat_get u32 memory
fd_prestat_dir_name u32 u32 u32
fd_pwrite u32 u32 u32 i64 out4
fd_read u32 u32 u32 out4
fd_readdir u32 u32 u32 i64 out4
fd_renumber u32 u32
fd_seek u32 i64 u32 out8
fd_sync u32
fd_tell u32 out8
fd_write u32 u32 u32 out4
path_create_directory u32 u32 u32
path_filestat_get u32 u32 u32 u32 memory
path_filestat_set_times u32 u32 u32 u32 i64 i64 u32
path_link u32 u32 u32 u32 u32 u32 u32
path_open u32 u32 u32 u32 u32 i64 i64 u32 out4
path_readlink u32 u32 u32 u32 u32 out4
path_remove_directory u32 u32 u32
path_rename u32 u32 u32 u32 u32 u32
path_symlink u32 u32 u32 u32 u32
path_unlink_file u32 u32 u32
poll_oneoff u32 u32 u32 out4
proc_exit u32
proc_raise u32
sched_yield
random_get u32 u32
sock_accept u32 u32 out4
sock_recv u32 u32 u32 u32 out4 out4
sock_send u32 u32 u32 u32 out4
sock_shutdown u32 u32`;

function read(module: HostFunctionShape["module"], text: string): HostFunctionShape[] {
  return text
    .trim()
    .split("\n")
    .map((line) => {
      const [name = "", ...words] = line.split(" ");
      const roles = words as Role[];
      return { module, name, roles, params: roles.map(lettersOf).join(""), hasResult: name !== "proc_exit" };
    });
}

export const FUNCTIONS: readonly HostFunctionShape[] = [
  ...read("env", ENV),
  ...read("wasi_snapshot_preview1", WASI),
  ...read("wasi_unstable", WASI),
];

/** What a guest does by itself, numbered from here on. */
export const FIRST_OWN = 1000;
export const OWN = [
  "probe_nothing",
  /** 0 = every byte of the guest's guarded area still holds its pattern, 1 = not. */
  "probe_guard",
  /** How the allocator behaves from now on: a number of ALLOCATOR. */
  "probe_allocator",
  "probe_trap",
  /** memory.grow; answers its result. */
  "probe_grow",
  /** Answers variable n. */
  "probe_variable",
  "probe_loop",
  /** Writes a word: (address, value). */
  "probe_poke",
  /** Answers the word at an address. */
  "probe_peek",
] as const;

/** Arguments of `probe_allocator`. */
export const ALLOCATOR = {
  normal: 0,
  answersZero: 1,
  answersOutside: 2,
  growsMemory: 3,
  traps: 4,
  /** Runs the script's `allocate` section first. */
  runsScript: 5,
  answersMaximum: 6,
} as const;

/** A function's number in a script; `name` may carry its module: `wasi_unstable.fd_write`. */
export function numberOf(name: string): number {
  const own = OWN.indexOf(name as (typeof OWN)[number]);
  if (own >= 0) return FIRST_OWN + own;
  const [module, bare] = name.includes(".") ? name.split(".") : [null, name];
  const at = FUNCTIONS.findIndex((one) => one.name === bare && (module === null || one.module === module));
  if (at < 0) throw new Error(`no host function ${name}`);
  return at;
}

/** Callbacks by the number that scripts and reports use. */
export const CALLBACKS = [
  "initialize",
  "main",
  "start",
  "allocate",
  "context_create",
  "vm_start",
  "validate",
  "configure",
  "tick",
  "done",
  "log",
  "delete",
  "request_headers",
  "request_body",
  "request_trailers",
  "response_headers",
  "response_body",
  "response_trailers",
  "http_call_response",
  "queue_ready",
  "foreign_function",
  "root_create",
  "root_done",
  "root_delete",
  "new_connection",
  "downstream_data",
  "downstream_close",
  "upstream_data",
  "upstream_close",
  "grpc_initial",
  "grpc_receive",
  "grpc_trailing",
  "grpc_close",
] as const;
export type CallbackName = (typeof CALLBACKS)[number];
