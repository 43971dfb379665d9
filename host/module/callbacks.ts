// Every function a proxy-wasm module may export to its host, with its type (abi.md 3), and every function a host offers
// (abi.md 5 and 12). One table each: the inspector judges by it, the vm calls by it, the SDK's checks quote it.

/** Types as `typeText` writes them; several where ABI versions differ. */
export const CALLBACKS: Readonly<Record<string, readonly string[]>> = {
  _initialize: ["() -> ()"],
  _start: ["() -> ()"],
  __main_void: ["() -> i32"],
  malloc: ["(i32) -> i32"],
  proxy_on_memory_allocate: ["(i32) -> i32"],
  proxy_on_context_create: ["(i32, i32) -> ()"],
  proxy_on_vm_start: ["(i32, i32) -> i32"],
  proxy_validate_configuration: ["(i32, i32) -> i32"],
  proxy_on_configure: ["(i32, i32) -> i32"],
  proxy_on_tick: ["(i32) -> ()"],
  proxy_on_done: ["(i32) -> i32"],
  proxy_on_log: ["(i32) -> ()"],
  proxy_on_delete: ["(i32) -> ()"],
  // ABI 0.1.0 has no end_of_stream on the two header callbacks.
  proxy_on_request_headers: ["(i32, i32, i32) -> i32", "(i32, i32) -> i32"],
  proxy_on_request_body: ["(i32, i32, i32) -> i32"],
  proxy_on_request_trailers: ["(i32, i32) -> i32"],
  proxy_on_request_metadata: ["(i32, i32) -> i32"],
  proxy_on_response_headers: ["(i32, i32, i32) -> i32", "(i32, i32) -> i32"],
  proxy_on_response_body: ["(i32, i32, i32) -> i32"],
  proxy_on_response_trailers: ["(i32, i32) -> i32"],
  proxy_on_response_metadata: ["(i32, i32) -> i32"],
  proxy_on_new_connection: ["(i32) -> i32"],
  proxy_on_downstream_data: ["(i32, i32, i32) -> i32"],
  proxy_on_downstream_connection_close: ["(i32, i32) -> ()"],
  proxy_on_upstream_data: ["(i32, i32, i32) -> i32"],
  proxy_on_upstream_connection_close: ["(i32, i32) -> ()"],
  proxy_on_http_call_response: ["(i32, i32, i32, i32, i32) -> ()"],
  proxy_on_grpc_receive_initial_metadata: ["(i32, i32, i32) -> ()"],
  proxy_on_grpc_receive: ["(i32, i32, i32) -> ()"],
  proxy_on_grpc_receive_trailing_metadata: ["(i32, i32, i32) -> ()"],
  proxy_on_grpc_close: ["(i32, i32, i32) -> ()"],
  proxy_on_queue_ready: ["(i32, i32) -> ()"],
  proxy_on_foreign_function: ["(i32, i32, i32) -> ()"],
  envoy_on_resolve_dns: ["(i32, i32, i32) -> ()"],
  sluice_on_snapshot: ["(i32) -> ()"],
  sluice_on_restore: ["(i32, i32) -> i32"],
};

/** Only checked beside `_initialize`: alone, `main` is nobody's callback and may look as it likes. */
export const MAIN_TYPE = "(i32, i32) -> i32";

export type AbiVersion = "0.1.0" | "0.2.0" | "0.2.1";

/** Marker exports, highest version first: a module that claims several gets the first it has. */
export const MARKERS: readonly (readonly [string, AbiVersion])[] = [
  ["proxy_abi_version_0_2_1", "0.2.1"],
  ["proxy_abi_version_0_2_0", "0.2.0"],
  ["proxy_abi_version_0_1_0", "0.1.0"],
];

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

/** Host functions of module `env` (abi.md 5, 3.5, 12.2). */
export const ENV_IMPORTS = words(
  `proxy_log proxy_get_log_level proxy_get_current_time_nanoseconds proxy_set_tick_period_milliseconds proxy_get_status
  proxy_done proxy_set_effective_context proxy_get_buffer_bytes proxy_get_buffer_status proxy_set_buffer_bytes
  proxy_get_header_map_size proxy_get_header_map_pairs proxy_set_header_map_pairs proxy_get_header_map_value
  proxy_add_header_map_value proxy_replace_header_map_value proxy_remove_header_map_value proxy_continue_stream
  proxy_close_stream proxy_send_local_response proxy_http_call proxy_grpc_call proxy_grpc_stream proxy_grpc_send
  proxy_grpc_cancel proxy_grpc_close proxy_get_shared_data proxy_set_shared_data proxy_register_shared_queue
  proxy_resolve_shared_queue proxy_enqueue_shared_queue proxy_dequeue_shared_queue proxy_define_metric
  proxy_record_metric proxy_increment_metric proxy_get_metric proxy_get_property proxy_set_property
  proxy_call_foreign_function proxy_continue_request proxy_continue_response proxy_clear_route_cache
  proxy_get_configuration envoy_resolve_dns emscripten_notify_memory_growth pthread_equal abort`,
);

/** WASI preview 1, all of it; the same names serve `wasi_snapshot_preview1` and `wasi_unstable` (abi.md 12). */
export const WASI_IMPORTS = words(
  `args_get args_sizes_get environ_get environ_sizes_get clock_res_get clock_time_get fd_advise fd_allocate fd_close
  fd_datasync fd_fdstat_get fd_fdstat_set_flags fd_fdstat_set_rights fd_filestat_get fd_filestat_set_size
  fd_filestat_set_times fd_pread fd_prestat_get fd_prestat_dir_name fd_pwrite fd_read fd_readdir fd_renumber fd_seek
  fd_sync fd_tell fd_write path_create_directory path_filestat_get path_filestat_set_times path_link path_open
  path_readlink path_remove_directory path_rename path_symlink path_unlink_file poll_oneoff proc_exit proc_raise
  sched_yield random_get sock_accept sock_recv sock_send sock_shutdown`,
);

export const WASI_MODULES: readonly string[] = ["wasi_snapshot_preview1", "wasi_unstable"];
