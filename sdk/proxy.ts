// The callbacks a host calls. Every filter's entry re-exports this file (`export * from "@sluice/sdk/proxy"`), because
// only exports of the entry become wasm exports; the build then removes those the filter does not use.
// Names and types: proxy-wasm ABI 0.2.1 (abi.md section 3).
import "./assembly/abort"; // `--use abort=` names it, but asc only finds files that something imports
import * as action from "./assembly/abi/action";
import { Peer } from "./assembly/context";
import * as dispatcher from "./assembly/dispatcher";
import { bodyAction, headersAction, plainAction } from "./assembly/flow";
import { GrpcEvent } from "./assembly/grpc";
import { requestHead, responseHead } from "./assembly/headers";
import { answerCall, answerGrpc, runTimers } from "./assembly/hooks";
import { SCRATCH, scratch } from "./assembly/scratch";
import { requestTrailers, responseTrailers } from "./assembly/trailers";

export function proxy_abi_version_0_2_1(): void {}
export function proxy_on_memory_allocate(size: usize): usize {
  return scratch(size);
}

/**
 * Where values for this module may be put without calling the allocator: the address of three words, used, base, capacity
 * (bytes). Optional for hosts, and unknown to all but sluice.
 */
export const sluice_scratch: usize = SCRATCH;

/**
 * A mark: with one plugin context, `proxy_on_context_create` may be left out for streams; they are made at their first
 * callback. Saves a host that knows it a call per stream.
 */
export const sluice_lazy_streams: u32 = 1;

export function proxy_on_context_create(id: u32, parent: u32): void {
  dispatcher.create(id, parent);
}
export function proxy_on_vm_start(root: u32, size: u32): u32 {
  return dispatcher.startVm() ? 1 : 0;
}
export function proxy_on_configure(root: u32, size: u32): u32 {
  return dispatcher.configure(root, size) ? 1 : 0;
}
export function proxy_on_done(id: u32): u32 {
  return dispatcher.done(id) ? 1 : 0;
}
export function proxy_on_log(id: u32): void {
  dispatcher.logged(id);
}
export function proxy_on_delete(id: u32): void {
  dispatcher.drop(id);
}

export function proxy_on_request_headers(id: u32, count: u32, end: u32): u32 {
  const filter = dispatcher.beginHttp(id, false);
  if (filter === null) return action.CONTINUE;
  const flow = filter.onRequestHeaders(requestHead(end != 0));
  dispatcher.finish();
  return headersAction(flow);
}
export function proxy_on_request_body(id: u32, size: u32, end: u32): u32 {
  const filter = dispatcher.beginHttp(id, false);
  if (filter === null) return action.CONTINUE;
  const flow = filter.onRequestBody(dispatcher.REQUEST_BODY.arm(size, end != 0));
  dispatcher.finish();
  return bodyAction(flow);
}
export function proxy_on_request_trailers(id: u32, count: u32): u32 {
  const filter = dispatcher.beginHttp(id, false);
  if (filter === null) return action.CONTINUE;
  const flow = filter.onRequestTrailers(requestTrailers());
  dispatcher.finish();
  return plainAction(flow);
}
export function proxy_on_response_headers(id: u32, count: u32, end: u32): u32 {
  const filter = dispatcher.beginHttp(id, true);
  if (filter === null) return action.CONTINUE;
  const flow = filter.onResponseHeaders(responseHead(end != 0));
  dispatcher.finish();
  return headersAction(flow);
}
export function proxy_on_response_body(id: u32, size: u32, end: u32): u32 {
  const filter = dispatcher.beginHttp(id, true);
  if (filter === null) return action.CONTINUE;
  const flow = filter.onResponseBody(dispatcher.RESPONSE_BODY.arm(size, end != 0));
  dispatcher.finish();
  return bodyAction(flow);
}
export function proxy_on_response_trailers(id: u32, count: u32): u32 {
  const filter = dispatcher.beginHttp(id, true);
  if (filter === null) return action.CONTINUE;
  const flow = filter.onResponseTrailers(responseTrailers());
  dispatcher.finish();
  return plainAction(flow);
}

export function proxy_on_new_connection(id: u32): u32 {
  const filter = dispatcher.beginTcp(id);
  if (filter === null) return action.CONTINUE;
  const flow = filter.onNewConnection();
  dispatcher.finish();
  return plainAction(flow);
}
export function proxy_on_downstream_data(id: u32, size: u32, end: u32): u32 {
  const filter = dispatcher.beginTcp(id);
  if (filter === null) return action.CONTINUE;
  const flow = filter.onDownstreamData(dispatcher.DOWNSTREAM_DATA.arm(size, end != 0));
  dispatcher.finish();
  return plainAction(flow);
}
export function proxy_on_upstream_data(id: u32, size: u32, end: u32): u32 {
  const filter = dispatcher.beginTcp(id, true);
  if (filter === null) return action.CONTINUE;
  const flow = filter.onUpstreamData(dispatcher.UPSTREAM_DATA.arm(size, end != 0));
  dispatcher.finish();
  return plainAction(flow);
}
export function proxy_on_downstream_connection_close(id: u32, by: u32): void {
  const filter = dispatcher.beginTcp(id);
  if (filter === null) return;
  filter.onDownstreamClose(<Peer>by);
  dispatcher.finish();
}
export function proxy_on_upstream_connection_close(id: u32, by: u32): void {
  const filter = dispatcher.beginTcp(id);
  if (filter === null) return;
  filter.onUpstreamClose(<Peer>by);
  dispatcher.finish();
}

export function proxy_on_http_call_response(root: u32, token: u32, headers: u32, size: u32, trailers: u32): void {
  dispatcher.beginRoot(root);
  const hook = answerCall;
  if (hook !== null) hook(token, headers, size, trailers);
  dispatcher.finish();
}
function grpcCame(root: u32, event: GrpcEvent, id: u32, value: u32): void {
  dispatcher.beginRoot(root);
  const hook = answerGrpc;
  if (hook !== null) hook(event, id, value);
  dispatcher.finish();
}
export function proxy_on_grpc_receive_initial_metadata(root: u32, id: u32, count: u32): void {
  grpcCame(root, GrpcEvent.InitialMetadata, id, count);
}
export function proxy_on_grpc_receive(root: u32, id: u32, size: u32): void {
  grpcCame(root, GrpcEvent.Message, id, size);
}
export function proxy_on_grpc_receive_trailing_metadata(root: u32, id: u32, count: u32): void {
  grpcCame(root, GrpcEvent.TrailingMetadata, id, count);
}
export function proxy_on_grpc_close(root: u32, id: u32, status: u32): void {
  grpcCame(root, GrpcEvent.Close, id, status);
}
export function proxy_on_tick(id: u32): void {
  const root = dispatcher.beginRoot(id);
  const hook = runTimers;
  if (root && hook !== null) hook(root);
  dispatcher.finish();
}
export function proxy_on_queue_ready(id: u32, queue: u32): void {
  const root = dispatcher.beginRoot(id);
  if (root) root.onQueue(queue);
  dispatcher.finish();
}
export function proxy_on_foreign_function(id: u32, call: u32, size: u32): void {
  const root = dispatcher.beginRoot(id);
  if (root) root.onForeign(call, size);
  dispatcher.finish();
}
export function sluice_on_snapshot(id: u32): void {
  const root = dispatcher.beginRoot(id);
  if (root) root.onSnapshot();
  dispatcher.finish();
}
export function sluice_on_restore(id: u32, size: u32): u32 {
  const root = dispatcher.beginRoot(id);
  const taken = root !== null && root.onRestore(size);
  dispatcher.finish();
  return taken ? 1 : 0;
}
