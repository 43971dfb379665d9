// What differs in Envoy where sluice does more or otherwise (abi.md 5, 15, its last paragraph): no `sluice.*`, the first of
// repeated values, headers that a filter has let go are gone until proxy_on_log, partial replaces and resuming the upstream
// direction refused, absent bodies empty. Decorates the host functions, at the level of the ABI.
import * as action from "../../sdk/assembly/abi/action.ts";
import * as buffers from "../../sdk/assembly/abi/buffer.ts";
import * as maps from "../../sdk/assembly/abi/map.ts";
import * as status from "../../sdk/assembly/abi/status.ts";
import * as streams from "../../sdk/assembly/abi/stream.ts";
import { firstHeader } from "../abi/headers.ts";
import { MAP_NAMES } from "./abi-words.ts";
import type { GuestCallback } from "./callbacks.ts";
import type { Guest } from "./guest.ts";
import type { HostFunctions } from "./host-function.ts";

/** Which header maps a context may read: one bit per map. Entries live from the first header callback to on_delete. */
export type Windows = Map<number, number>;

const bit = (map: number): number => 1 << map;
const ALL = 0xff;

/** header callback -> the map that it opens, and that its Continue closes. */
const OPENS: Readonly<Record<string, number>> = {
  proxy_on_request_headers: maps.HTTP_REQUEST_HEADERS,
  proxy_on_request_trailers: maps.HTTP_REQUEST_TRAILERS,
  proxy_on_response_headers: maps.HTTP_RESPONSE_HEADERS,
  proxy_on_response_trailers: maps.HTTP_RESPONSE_TRAILERS,
};
/** Headers value 2 is Continue in Envoy (abi.md 4). */
const continues = (result: number | undefined): boolean =>
  result === undefined || result === action.CONTINUE || result === 2;

export function envoyCallback(callback: GuestCallback, windows: Windows): GuestCallback {
  const { name } = callback;
  const opens = OPENS[name];
  const run = (id = 0, ...args: number[]): number | undefined => {
    if (opens !== undefined) windows.set(id, (windows.get(id) ?? 0) | bit(opens));
    if (name === "proxy_on_log") windows.set(id, ALL);
    const result = callback.run(id, ...args);
    if (opens !== undefined && continues(result)) windows.set(id, (windows.get(id) ?? 0) & ~bit(opens));
    if (name === "proxy_on_delete") windows.delete(id);
    return result;
  };
  return { name, run };
}

type Call = (...args: number[]) => number;

/** Wraps the functions that a guest imports; a function that `calls` lacks stays lacking. */
export function envoyCalls(calls: HostFunctions, vm: Guest, windows: Windows): HostFunctions {
  const wrapped: Record<string, HostFunctions[string]> = { ...calls };
  const wrap = (name: string, around: (inner: Call) => Call): void => {
    const inner = calls[name];
    if (inner !== undefined) wrapped[name] = around(inner as unknown as Call) as HostFunctions[string];
  };
  wrapNames(vm, wrap, windows);
  wrapMaps(vm, wrap, windows);
  wrapBuffers(vm, wrap);
  wrapContinue(vm, wrap, windows);
  return wrapped;
}

type Wrap = (name: string, around: (inner: Call) => Call) => void;

/** Attributes that Envoy reads out of a header map, and so no longer than the filter may. */
const OF_REQUEST =
  /^request\0(?:path|url_path|host|scheme|method|headers|referer|useragent|id|query|headers_bytes)(?:\0|$)/;
const OF_RESPONSE = /^response\0(?:headers|headers_bytes|trailers)(?:\0|$)/;

/** `sluice.*` functions and properties are not there, nor what hangs on headers that have gone. */
function wrapNames(vm: Guest, wrap: Wrap, windows: Windows): void {
  const isLacking = (name: string): boolean => {
    if (/^sluice[.\0]/.test(name)) return true;
    const [ofRequest, ofResponse] = [OF_REQUEST.test(name), OF_RESPONSE.test(name)];
    if (!ofRequest && !ofResponse) return false;
    return isClosed(vm, windows, ofRequest ? maps.HTTP_REQUEST_HEADERS : maps.HTTP_RESPONSE_HEADERS);
  };
  for (const call of ["proxy_call_foreign_function", "proxy_get_property"])
    wrap(call, (inner) => (pointer = 0, size = 0, ...rest) => {
      const name = vm.memory.text(pointer, size) ?? "";
      return isLacking(name)
        ? vm.refuse(status.NOT_FOUND, "Envoy has no {} here", name)
        : inner(pointer, size, ...rest);
    });
}

const isClosed = (vm: Guest, windows: Windows, map: number): boolean =>
  map <= maps.HTTP_RESPONSE_TRAILERS && ((windows.get(vm.context.id) ?? 0) & bit(map)) === 0;

function wrapMaps(vm: Guest, wrap: Wrap, windows: Windows): void {
  const closed = (map: number): boolean => isClosed(vm, windows, map);
  const gone = (map: number): number =>
    vm.refuse(
      status.BAD_ARGUMENT,
      "Envoy lets {} go with the filter's Continue, until proxy_on_log",
      MAP_NAMES.get(map),
    );
  const writes = [
    "set_header_map_pairs",
    "add_header_map_value",
    "replace_header_map_value",
    "remove_header_map_value",
  ];
  for (const name of ["get_header_map_size", ...writes])
    wrap(
      `proxy_${name}`,
      (inner) =>
        (map = 0, ...rest) =>
          closed(map) ? gone(map) : inner(map, ...rest),
    );
  wrap(
    "proxy_get_header_map_pairs",
    (inner) =>
      (map = 0, pointer = 0, size = 0) =>
        closed(map) ? vm.memory.givePairs([], pointer, size) : inner(map, pointer, size),
  );
  wrap("proxy_get_header_map_value", (inner) => (map = 0, key = 0, keySize = 0, pointer = 0, size = 0) => {
    if (closed(map)) return gone(map);
    const name = vm.memory.name(key, keySize);
    const list = vm.context.headers(map);
    const value = name === null || list === null ? undefined : firstHeader(list, name);
    return value === undefined ? inner(map, key, keySize, pointer, size) : vm.memory.giveText(value, pointer, size);
  });
}

/** Envoy's glue answers for bodies and data that are not there as for empty ones. */
const isStreamBuffer = (id: number): boolean => id >= buffers.HTTP_REQUEST_BODY && id <= buffers.GRPC_CALL_MESSAGE;

function wrapBuffers(vm: Guest, wrap: Wrap): void {
  wrap(
    "proxy_get_buffer_bytes",
    (inner) =>
      (id = 0, start = 0, max = 0, pointer = 0, size = 0) =>
        isStreamBuffer(id) && vm.context.buffer(id) === null
          ? vm.memory.giveText("", pointer, size)
          : inner(id, start, max, pointer, size),
  );
  wrap("proxy_set_buffer_bytes", (inner) => (id = 0, start = 0, size = 0, ...rest) => {
    const length = vm.context.buffer(id)?.length ?? 0;
    return start !== 0 && start >>> 0 < length
      ? vm.refuse(status.BAD_ARGUMENT, "Envoy replaces from 0 or appends; a start of {} is in the middle", start)
      : inner(id, start, size, ...rest);
  });
}

/** The map that a stream's going on lets go, by stream type. */
const RELEASES: readonly number[] = [
  bit(maps.HTTP_REQUEST_HEADERS) | bit(maps.HTTP_REQUEST_TRAILERS),
  bit(maps.HTTP_RESPONSE_HEADERS) | bit(maps.HTTP_RESPONSE_TRAILERS),
];

function wrapContinue(vm: Guest, wrap: Wrap, windows: Windows): void {
  wrap("proxy_continue_stream", (inner) => (type = 0) => {
    if (type === streams.UPSTREAM) return vm.refuse(status.UNIMPLEMENTED, "Envoy cannot resume the upstream direction");
    const { id } = vm.context;
    const open = windows.get(id);
    if (open !== undefined) windows.set(id, open & ~(RELEASES[type] ?? 0));
    return inner(type);
  });
}
