// The callbacks a guest exports, looked up once per instance. A callback that is not there is null and never called; one
// that the `sluice` section lists as not overridden counts as not there (abi.md 3, 3.6).

export interface GuestCallback {
  readonly name: string;
  readonly run: (...args: number[]) => number | undefined;
}

const NAMES = {
  onContextCreate: "proxy_on_context_create",
  onVmStart: "proxy_on_vm_start",
  validateConfiguration: "proxy_validate_configuration",
  onConfigure: "proxy_on_configure",
  onTick: "proxy_on_tick",
  onDone: "proxy_on_done",
  onLog: "proxy_on_log",
  onDelete: "proxy_on_delete",
  onRequestHeaders: "proxy_on_request_headers",
  onRequestBody: "proxy_on_request_body",
  onRequestTrailers: "proxy_on_request_trailers",
  onResponseHeaders: "proxy_on_response_headers",
  onResponseBody: "proxy_on_response_body",
  onResponseTrailers: "proxy_on_response_trailers",
  onNewConnection: "proxy_on_new_connection",
  onDownstreamData: "proxy_on_downstream_data",
  onDownstreamClose: "proxy_on_downstream_connection_close",
  onUpstreamData: "proxy_on_upstream_data",
  onUpstreamClose: "proxy_on_upstream_connection_close",
  onHttpCallResponse: "proxy_on_http_call_response",
  onGrpcInitialMetadata: "proxy_on_grpc_receive_initial_metadata",
  onGrpcMessage: "proxy_on_grpc_receive",
  onGrpcTrailingMetadata: "proxy_on_grpc_receive_trailing_metadata",
  onGrpcClose: "proxy_on_grpc_close",
  onQueueReady: "proxy_on_queue_ready",
  onForeignFunction: "proxy_on_foreign_function",
  onResolveDns: "envoy_on_resolve_dns",
  onSnapshot: "sluice_on_snapshot",
  onRestore: "sluice_on_restore",
} as const;

export type GuestCallbacks = Readonly<Record<keyof typeof NAMES, GuestCallback | null>>;

/** The callbacks of one direction of a stream. A TCP stream's new connection is to its data what headers are to a body. */
export interface SideCallbacks {
  readonly headers: GuestCallback | null;
  readonly body: GuestCallback | null;
  readonly trailers: GuestCallback | null;
}

/** For a context that takes no part any more. */
export const NO_CALLBACKS: SideCallbacks = { headers: null, body: null, trailers: null };

export function requestSide({ onRequestHeaders, onRequestBody, onRequestTrailers }: GuestCallbacks): SideCallbacks {
  return { headers: onRequestHeaders, body: onRequestBody, trailers: onRequestTrailers };
}

export function responseSide({ onResponseHeaders, onResponseBody, onResponseTrailers }: GuestCallbacks): SideCallbacks {
  return { headers: onResponseHeaders, body: onResponseBody, trailers: onResponseTrailers };
}

export function downstreamSide({ onNewConnection, onDownstreamData }: GuestCallbacks): SideCallbacks {
  return { headers: onNewConnection, body: onDownstreamData, trailers: null };
}

export function upstreamSide({ onUpstreamData }: GuestCallbacks): SideCallbacks {
  return { headers: null, body: onUpstreamData, trailers: null };
}

/** @param allowed names the capability policy lets the host call; null = all */
export function lookUpCallbacks(exports: WebAssembly.Exports, allowed: readonly string[] | null): GuestCallbacks {
  const found = Object.entries(NAMES).map(([key, name]) => {
    const run = exports[name];
    const there = typeof run === "function" && (allowed === null || allowed.includes(name));
    return [key, there ? { name, run: run as GuestCallback["run"] } : null] as const;
  });
  return Object.fromEntries(found) as unknown as GuestCallbacks;
}

/** Each callback that is there, as `change` makes it. */
export function mapCallbacks(
  callbacks: GuestCallbacks,
  change: (callback: GuestCallback) => GuestCallback | null,
): GuestCallbacks {
  const entries = Object.entries(callbacks).map(([key, callback]) => [
    key,
    callback === null ? null : change(callback),
  ]);
  return Object.fromEntries(entries) as unknown as GuestCallbacks;
}

/** What streams go through; the others are asked for by name. */
const OF_STREAMS: ReadonlySet<string> = new Set<keyof typeof NAMES>([
  "onRequestHeaders",
  "onRequestBody",
  "onRequestTrailers",
  "onResponseHeaders",
  "onResponseBody",
  "onResponseTrailers",
]);

/** With a stand-in for each callback of HTTP streams that the guest lacks: it continues, and `make` may listen to it. */
export function fillCallbacks(
  callbacks: GuestCallbacks,
  make: (standIn: GuestCallback) => GuestCallback,
): GuestCallbacks {
  const entries = Object.entries(callbacks).map(([key, callback]) => {
    const isMissing = callback === null && OF_STREAMS.has(key);
    return [key, isMissing ? make({ name: NAMES[key as keyof typeof NAMES], run: () => 0 }) : callback];
  });
  return Object.fromEntries(entries) as GuestCallbacks;
}
