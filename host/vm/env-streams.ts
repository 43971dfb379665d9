// Host functions: what happens to a stream, and call-outs (abi.md 5.4, 5.5). Effects come after the callback.
import * as maps from "../../sdk/assembly/abi/map.ts";
import * as streams from "../../sdk/assembly/abi/stream.ts";
import * as status from "../../sdk/assembly/abi/status.ts";
import { MAX_REPLY_BYTES } from "../abi/limits.ts";
import { normalizeCallout, normalizeGuestMap } from "../abi/header-rules.ts";
import { firstHeader, type HeaderList } from "../abi/headers.ts";
import { decodePairs } from "../abi/pairs.ts";
import { NOT_PAIRS } from "./abi-words.ts";
import type { GuestReply } from "./ports.ts";
import type { HostFunctions } from "./host-function.ts";
import type { Guest } from "./guest.ts";

export function streamCalls(vm: Guest): HostFunctions {
  return {
    proxy_continue_stream: (type: number): number =>
      type >>> 0 > streams.UPSTREAM ? noStream(vm, type) : vm.context.continueStream(type),
    proxy_close_stream: (type: number): number =>
      type >>> 0 > streams.UPSTREAM ? noStream(vm, type) : vm.context.closeStream(type),
    // ABI 0.1.0.
    proxy_continue_request: (): number => vm.context.continueStream(streams.HTTP_REQUEST),
    proxy_continue_response: (): number => vm.context.continueStream(streams.HTTP_RESPONSE),
    proxy_clear_route_cache: (): number => vm.context.foreign("clear_route_cache", Buffer.alloc(0)).status,
    proxy_send_local_response: localResponse(vm),
    proxy_http_call: httpCall(vm),
  };
}

const noStream = (vm: Guest, type: number): number =>
  vm.refuse(status.BAD_ARGUMENT, "there is no stream type {}", type);

function localResponse(vm: Guest) {
  const { memory } = vm;
  return (
    code: number,
    details: number,
    detailsSize: number,
    body: number,
    bodySize: number,
    pairs: number,
    pairsSize: number,
    grpc: number,
  ): number => {
    const words = memory.text(details, detailsSize);
    const bytes = memory.copy(body, bodySize);
    const serialised = memory.borrow(pairs, pairsSize);
    if (words === null || bytes === null || serialised === null) return status.INVALID_MEMORY_ACCESS;
    const headers = decodePairs(serialised);
    if (headers === null) return vm.refuse(status.PARSE_FAILURE, NOT_PAIRS);
    if (code < 200 || code > 599) return vm.refuse(status.BAD_ARGUMENT, "the status {} is not in 200..599", code);
    if (bytes.length > MAX_REPLY_BYTES)
      return vm.overLimit(
        "replyBody",
        status.BAD_ARGUMENT,
        "a body of {} bytes is over the 1 MiB of a local reply",
        bytes.length,
      );
    const reply: GuestReply = {
      status: code,
      details: words,
      body: bytes,
      headers,
      grpcStatus: grpc >= 0 && grpc <= 16 ? grpc : -1,
    };
    return vm.context.sendLocalReply(reply);
  };
}

function httpCall(vm: Guest) {
  const { memory } = vm;
  return (
    upstream: number,
    upstreamSize: number,
    pairs: number,
    pairsSize: number,
    body: number,
    bodySize: number,
    trailers: number,
    trailersSize: number,
    timeoutMs: number,
    out: number,
  ): number => {
    const cluster = memory.text(upstream, upstreamSize);
    const head = memory.borrow(pairs, pairsSize);
    const tail = memory.borrow(trailers, trailersSize);
    const bytes = memory.copy(body, bodySize);
    // The id is written before anything is sent, so that a bad address sends nothing.
    if (cluster === null || head === null || tail === null || bytes === null || !memory.setU32(out, 0)) {
      return status.INVALID_MEMORY_ACCESS;
    }
    const headers = decodePairs(head);
    const trailerList = decodePairs(tail);
    if (headers === null || trailerList === null) return vm.refuse(status.BAD_ARGUMENT, NOT_PAIRS);
    if (!isRequestHead(headers))
      return vm.refuse(status.BAD_ARGUMENT, "a call to {} needs :method, :path and :authority", cluster);
    if (timeoutMs < 0) return vm.refuse(status.BAD_ARGUMENT, "the timeout {} is below 0", timeoutMs);
    const fields = normalizeCallout(headers);
    const tailFields = normalizeGuestMap(maps.HTTP_REQUEST_TRAILERS, trailerList);
    if (fields === null || tailFields === null)
      return vm.refuse(status.BAD_ARGUMENT, "a header or trailer of the call to {} cannot be sent", cluster);
    const id = vm.context.httpCall({
      upstream: cluster,
      headers: fields,
      body: bytes,
      trailers: tailFields,
      timeoutMs,
    });
    if (id < 0) return -id;
    memory.setU32(out, id);
    return status.OK;
  };
}

function isRequestHead(headers: HeaderList): boolean {
  return [":method", ":path", ":authority"].every((name) => firstHeader(headers, name) !== undefined);
}
