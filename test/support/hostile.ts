// Hostile filters, made of two parts: a deed (what goes wrong) and a moment (the callback in which it does). The module
// around them is an ordinary filter that lets everything pass, and asks for everything that leads to a callback: a tick, a
// queue with an item, a call-out, gRPC calls.
import type { Harness } from "../../host/testing/harness.ts";
import { wat } from "../unit/module/build.ts";

export interface Deed {
  /** Instructions of a function without parameters and results. */
  readonly does?: string;
  /** Further definitions of the module. */
  readonly more?: string;
  /** Body of the allocator: (param $size i32) (result i32). */
  readonly allocator?: string;
  /** Definition of the memory, exported as "memory". */
  readonly memory?: string;
}

interface Shape {
  readonly params: number;
  /** What it returns when all is well; null = nothing. */
  readonly result: number | null;
}

const shape = (params: number, result: number | null = null): Shape => ({ params, result });

/** Every callback of the ABI that a host calls by itself (abi.md 3). */
export const MOMENTS: Readonly<Record<string, Shape>> = {
  proxy_on_context_create: shape(2),
  proxy_on_vm_start: shape(2, 1),
  proxy_on_configure: shape(2, 1),
  proxy_on_request_headers: shape(3, 0),
  proxy_on_request_body: shape(3, 0),
  proxy_on_request_trailers: shape(2, 0),
  proxy_on_response_headers: shape(3, 0),
  proxy_on_response_body: shape(3, 0),
  proxy_on_response_trailers: shape(2, 0),
  proxy_on_http_call_response: shape(5),
  proxy_on_grpc_receive_initial_metadata: shape(3),
  proxy_on_grpc_receive: shape(3),
  proxy_on_grpc_receive_trailing_metadata: shape(3),
  proxy_on_grpc_close: shape(3),
  proxy_on_tick: shape(1),
  proxy_on_queue_ready: shape(2),
  proxy_on_new_connection: shape(1, 0),
  proxy_on_downstream_data: shape(3, 0),
  proxy_on_upstream_data: shape(3, 0),
  proxy_on_downstream_connection_close: shape(2),
  proxy_on_upstream_connection_close: shape(2),
  proxy_on_log: shape(1),
  proxy_on_done: shape(1, 1),
  proxy_on_delete: shape(1),
};

export type Moment = keyof typeof MOMENTS & string;

const I32 = "i32";
const HOST: Readonly<Record<string, string>> = {
  proxy_log: "i32 i32 i32",
  proxy_get_log_level: I32,
  proxy_get_current_time_nanoseconds: I32,
  proxy_set_tick_period_milliseconds: I32,
  proxy_set_effective_context: I32,
  proxy_done: "",
  proxy_get_status: "i32 i32 i32",
  proxy_get_header_map_pairs: "i32 i32 i32",
  proxy_set_header_map_pairs: "i32 i32 i32",
  proxy_get_header_map_size: "i32 i32",
  proxy_get_header_map_value: "i32 i32 i32 i32 i32",
  proxy_add_header_map_value: "i32 i32 i32 i32 i32",
  proxy_replace_header_map_value: "i32 i32 i32 i32 i32",
  proxy_remove_header_map_value: "i32 i32 i32",
  proxy_get_buffer_bytes: "i32 i32 i32 i32 i32",
  proxy_get_buffer_status: "i32 i32 i32",
  proxy_set_buffer_bytes: "i32 i32 i32 i32 i32",
  proxy_continue_stream: I32,
  proxy_close_stream: I32,
  proxy_send_local_response: "i32 i32 i32 i32 i32 i32 i32 i32",
  proxy_http_call: "i32 i32 i32 i32 i32 i32 i32 i32 i32 i32",
  proxy_grpc_call: "i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32",
  proxy_grpc_stream: "i32 i32 i32 i32 i32 i32 i32 i32 i32",
  proxy_grpc_send: "i32 i32 i32 i32",
  proxy_grpc_cancel: I32,
  proxy_grpc_close: I32,
  proxy_get_shared_data: "i32 i32 i32 i32 i32",
  proxy_set_shared_data: "i32 i32 i32 i32 i32",
  proxy_register_shared_queue: "i32 i32 i32",
  proxy_resolve_shared_queue: "i32 i32 i32 i32 i32",
  proxy_enqueue_shared_queue: "i32 i32 i32",
  proxy_dequeue_shared_queue: "i32 i32 i32",
  proxy_define_metric: "i32 i32 i32 i32",
  proxy_increment_metric: "i32 i64",
  proxy_record_metric: "i32 i64",
  proxy_get_metric: "i32 i32",
  proxy_get_property: "i32 i32 i32 i32",
  proxy_set_property: "i32 i32 i32 i32",
  proxy_call_foreign_function: "i32 i32 i32 i32 i32 i32",
};
export const HOST_CALLS: readonly string[] = Object.keys(HOST);
/** Parameter types of a host call. */
export const paramsOf = (name: string): readonly string[] =>
  (HOST[name] ?? "").split(" ").filter((type) => type !== "");

const imports = (): string =>
  HOST_CALLS.map((name) => {
    const params = paramsOf(name).length === 0 ? "" : ` (param ${HOST[name]})`;
    return `(import "env" "${name}" (func $${name.replace(/^proxy_/, "")}${params} (result i32)))`;
  }).join("\n  ");

/** Where texts stand that deeds may use: name, address, length. */
const TEXTS = ["/", "GET", "web", ":path", "x-a", "evil\r\nx-injected: 1", "queue", "vm", "metric", "wasm", "s.S", "M"];
const ORDER = new Map<string, number>();
let end = 16;
for (const each of TEXTS) {
  ORDER.set(each, end);
  end += each.length;
}
/** `address length` of a text, as two constants. */
export function at(text: string): string {
  const address = ORDER.get(text);
  if (address === undefined) throw new Error(`no such text: ${text}`);
  return `(i32.const ${address}) (i32.const ${text.length})`;
}
const escaped = (bytes: Buffer | string): string =>
  [...Buffer.from(bytes as string, "latin1")].map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");

/** `:method GET :path / :authority t` as serialised pairs. */
export const PAIRS_AT = 512;
const PAIRS = ((): Buffer => {
  const list = [":method", "GET", ":path", "/", ":authority", "t"];
  const head = Buffer.alloc(4 + list.length * 4);
  head.writeUInt32LE(list.length / 2, 0);
  for (const [index, text] of list.entries()) head.writeUInt32LE(text.length, 4 + index * 4);
  return Buffer.concat([head, ...list.map((text) => Buffer.from(`${text}\0`))]);
})();
export const PAIRS_SIZE = PAIRS.length;
const pairs = `(i32.const ${PAIRS_AT}) (i32.const ${PAIRS_SIZE})`;

/** What the ordinary part does in a callback before it returns. */
const ORDINARY: Readonly<Record<string, string>> = {
  proxy_on_configure: `(drop (call $set_tick_period_milliseconds (i32.const 100)))
    (drop (call $register_shared_queue ${at("queue")} (i32.const 256)))`,
  proxy_on_request_headers: `(drop (call $enqueue_shared_queue (i32.load (i32.const 256)) ${at("wasm")}))
    (drop (call $http_call ${at("web")} ${pairs} (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1000) (i32.const 260)))
    (drop (call $grpc_stream ${at("web")} ${at("s.S")} ${at("M")} (i32.const 0) (i32.const 0) (i32.const 264)))
    (drop (call $grpc_send (i32.load (i32.const 264)) ${at("wasm")} (i32.const 1)))`,
};

function callback(name: string, { params, result }: Shape, moment: string): string {
  const header = `(export "${name}")${params === 0 ? "" : ` (param ${"i32 ".repeat(params)})`}`;
  const returns = result === null ? "" : " (result i32)";
  const deed = name === moment ? "(call $deed)" : "";
  return `(func ${header}${returns} ${deed} ${ORDINARY[name] ?? ""} ${result === null ? "" : `(i32.const ${result})`})`;
}

/** A ring of 32 KiB from 64 KiB on: what it gives is good for a while. */
const ALLOCATOR = `(local $at i32)
    (if (i32.gt_u (i32.add (global.get $heap) (local.get $size)) (i32.const 98304)) (then (global.set $heap (i32.const 65536))))
    (local.set $at (global.get $heap))
    (global.set $heap (i32.add (local.get $at) (i32.and (i32.add (local.get $size) (i32.const 7)) (i32.const -8))))
    (local.get $at)`;

export function hostileText(deed: Deed, moment: string): string {
  const { does = "", more = "", allocator = ALLOCATOR, memory = '(memory (export "memory") 2)' } = deed;
  const callbacks = Object.entries(MOMENTS).map(([name, one]) => callback(name, one, moment));
  return `(module
  ${imports()}
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  ${memory}
  (data (i32.const 16) "${escaped(TEXTS.join(""))}")
  (data (i32.const ${PAIRS_AT}) "${escaped(PAIRS)}")
  (global $heap (mut i32) (i32.const 65536))
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_memory_allocate") (param $size i32) (result i32) ${allocator})
  (func $deed ${does})
  ${more}
  ${callbacks.join("\n  ")})`;
}

export const hostile = (deed: Deed, moment: string): Uint8Array => wat(hostileText(deed, moment));

/** Brings every callback about, on filters that are loaded. The answer to the one request made. */
export function exercise(harness: Harness): { readonly status: number; readonly injected: boolean } {
  const web = harness.upstream("web");
  web.on("GET /", { status: 200, body: "answer", trailers: { "x-end": "1" } });
  web.grpc("s.S/M", { metadata: { "x-m": "1" }, messages: ["hello"], trailers: { "x-t": "1" } });
  const exchange = harness.request({ method: "POST", headers: { "x-a": "1" }, body: "body", trailers: { "x-t": "1" } });
  harness.clock.advance(150);
  if (exchange.upstreamRequest !== null && exchange.state === "running")
    exchange.respond({ status: 200, headers: { "x-b": "1" }, body: "answer", trailers: { "x-t": "1" } });
  harness.clock.advance(150);
  const { response, upstreamRequest } = exchange;
  exchange.end();
  const connection = harness.connect();
  connection.fromClient("hello");
  if (connection.state === "open") connection.fromUpstream("world");
  if (connection.state === "open") connection.closeUpstream().closeClient();
  connection.end();
  const lists = [response?.list ?? [], upstreamRequest?.list ?? [], response?.trailers ?? []];
  return {
    status: response?.status ?? 0,
    injected: lists.flat().some((text) => /[\r\n\0]/.test(text)),
  };
}
