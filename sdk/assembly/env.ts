// The proxy-wasm 0.2.1 host functions the SDK uses. asc takes the wasm import module from this file's base name ("env"),
// so no `@external` is needed. All return a status (abi/status.ts); `out*` arguments are addresses the host writes to.
// Source: proxy-wasm/spec abi-versions/v0.2.1.

export declare function proxy_log(level: u32, text: usize, size: usize): u32;
export declare function proxy_get_log_level(out: usize): u32;
export declare function proxy_get_current_time_nanoseconds(out: usize): u32;
export declare function proxy_set_tick_period_milliseconds(ms: u32): u32;
export declare function proxy_get_status(outCode: usize, outText: usize, outSize: usize): u32;
export declare function proxy_done(): u32;
export declare function proxy_set_effective_context(id: u32): u32;

export declare function proxy_get_buffer_bytes(buffer: u32, start: u32, most: u32, outPtr: usize, outSize: usize): u32;
export declare function proxy_set_buffer_bytes(buffer: u32, start: u32, drop: u32, data: usize, size: usize): u32;

export declare function proxy_get_header_map_pairs(map: u32, outPtr: usize, outSize: usize): u32;
export declare function proxy_set_header_map_pairs(map: u32, pairs: usize, size: usize): u32;
export declare function proxy_get_header_map_value(
  map: u32,
  key: usize,
  keySize: usize,
  outPtr: usize,
  outSize: usize,
): u32;
export declare function proxy_add_header_map_value(
  map: u32,
  key: usize,
  keySize: usize,
  value: usize,
  valueSize: usize,
): u32;
export declare function proxy_replace_header_map_value(
  map: u32,
  key: usize,
  keySize: usize,
  value: usize,
  valueSize: usize,
): u32;
export declare function proxy_remove_header_map_value(map: u32, key: usize, keySize: usize): u32;

export declare function proxy_continue_stream(stream: u32): u32;
export declare function proxy_close_stream(stream: u32): u32;
export declare function proxy_send_local_response(
  code: u32,
  details: usize,
  detailsSize: usize,
  body: usize,
  bodySize: usize,
  headers: usize,
  headersSize: usize,
  grpcStatus: i32,
): u32;
export declare function proxy_http_call(
  upstream: usize,
  upstreamSize: usize,
  headers: usize,
  headersSize: usize,
  body: usize,
  bodySize: usize,
  trailers: usize,
  trailersSize: usize,
  timeoutMs: u32,
  outToken: usize,
): u32;

export declare function proxy_grpc_call(
  upstream: usize,
  upstreamSize: usize,
  service: usize,
  serviceSize: usize,
  method: usize,
  methodSize: usize,
  metadata: usize,
  metadataSize: usize,
  message: usize,
  messageSize: usize,
  timeoutMs: u32,
  outId: usize,
): u32;
export declare function proxy_grpc_stream(
  upstream: usize,
  upstreamSize: usize,
  service: usize,
  serviceSize: usize,
  method: usize,
  methodSize: usize,
  metadata: usize,
  metadataSize: usize,
  outId: usize,
): u32;
export declare function proxy_grpc_send(id: u32, message: usize, size: usize, endStream: u32): u32;
export declare function proxy_grpc_cancel(id: u32): u32;
export declare function proxy_grpc_close(id: u32): u32;

export declare function proxy_get_shared_data(
  key: usize,
  keySize: usize,
  outPtr: usize,
  outSize: usize,
  outCas: usize,
): u32;
export declare function proxy_set_shared_data(
  key: usize,
  keySize: usize,
  value: usize,
  valueSize: usize,
  cas: u32,
): u32;
export declare function proxy_register_shared_queue(name: usize, nameSize: usize, outId: usize): u32;
export declare function proxy_resolve_shared_queue(
  vm: usize,
  vmSize: usize,
  name: usize,
  nameSize: usize,
  outId: usize,
): u32;
export declare function proxy_enqueue_shared_queue(id: u32, value: usize, size: usize): u32;
export declare function proxy_dequeue_shared_queue(id: u32, outPtr: usize, outSize: usize): u32;

export declare function proxy_define_metric(kind: u32, name: usize, nameSize: usize, outId: usize): u32;
export declare function proxy_record_metric(id: u32, value: u64): u32;
export declare function proxy_increment_metric(id: u32, delta: i64): u32;
export declare function proxy_get_metric(id: u32, out: usize): u32;

export declare function proxy_get_property(path: usize, pathSize: usize, outPtr: usize, outSize: usize): u32;
export declare function proxy_set_property(path: usize, pathSize: usize, value: usize, size: usize): u32;
export declare function proxy_call_foreign_function(
  name: usize,
  nameSize: usize,
  args: usize,
  argsSize: usize,
  outPtr: usize,
  outSize: usize,
): u32;
