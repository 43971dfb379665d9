// Host functions: gRPC call-outs (abi.md 5.5). Checks the arguments; the plugin context keeps the calls.
import * as status from "../../sdk/assembly/abi/status.ts";
import { decodePairs } from "../abi/pairs.ts";
import { NOT_PAIRS } from "./abi-words.ts";
import type { HostFunctions } from "./host-function.ts";
import type { Guest } from "./guest.ts";
import type { GuestGrpcCall } from "./ports.ts";

/** Kinds of call-outs in the low two bits of an id. */
const GRPC_CALL = 1;
const GRPC_STREAM = 2;
const isStream = (id: number): boolean => (id & 3) === GRPC_STREAM;
const isGrpc = (id: number): boolean => (id & 3) === GRPC_CALL || isStream(id);

const notGrpc = (vm: Guest, id: number): number =>
  vm.refuse(status.BAD_ARGUMENT, "{} is not the id of a gRPC call or stream", id);

export function grpcCalls(vm: Guest): HostFunctions {
  return {
    proxy_grpc_call: grpcCall(vm),
    proxy_grpc_stream: grpcStream(vm),
    proxy_grpc_send(id: number, message: number, size: number, endStream: number): number {
      if (!isStream(id)) return vm.refuse(status.BAD_ARGUMENT, "{} is not the id of a gRPC stream", id);
      const bytes = vm.memory.copy(message, size);
      return bytes === null ? status.INVALID_MEMORY_ACCESS : vm.context.grpc.send(id, bytes, endStream !== 0);
    },
    proxy_grpc_cancel: (id: number): number => (isGrpc(id) ? vm.context.grpc.cancel(id) : notGrpc(vm, id)),
    proxy_grpc_close: (id: number): number => (isGrpc(id) ? vm.context.grpc.close(id) : notGrpc(vm, id)),
  };
}

function grpcCall(vm: Guest) {
  const { memory } = vm;
  return (
    upstream: number,
    upstreamSize: number,
    service: number,
    serviceSize: number,
    method: number,
    methodSize: number,
    metadata: number,
    metadataSize: number,
    message: number,
    messageSize: number,
    timeoutMs: number,
    out: number,
  ): number => {
    const bytes = memory.copy(message, messageSize);
    const target = readTarget(vm, [upstream, upstreamSize, service, serviceSize, method, methodSize]);
    const pairs = memory.borrow(metadata, metadataSize);
    if (bytes === null || target === null || pairs === null) return status.INVALID_MEMORY_ACCESS;
    return start(vm, { ...target, message: bytes, timeoutMs: timeoutMs >>> 0 }, pairs, out);
  };
}

function grpcStream(vm: Guest) {
  const { memory } = vm;
  return (
    upstream: number,
    upstreamSize: number,
    service: number,
    serviceSize: number,
    method: number,
    methodSize: number,
    metadata: number,
    metadataSize: number,
    out: number,
  ): number => {
    const target = readTarget(vm, [upstream, upstreamSize, service, serviceSize, method, methodSize]);
    const pairs = memory.borrow(metadata, metadataSize);
    if (target === null || pairs === null) return status.INVALID_MEMORY_ACCESS;
    return start(vm, { ...target, message: null, timeoutMs: 0 }, pairs, out);
  };
}

type Places = readonly [number, number, number, number, number, number];

function readTarget({ memory }: Guest, at: Places): Pick<GuestGrpcCall, "upstream" | "service" | "method"> | null {
  const upstream = memory.text(at[0], at[1]);
  const service = memory.text(at[2], at[3]);
  const method = memory.text(at[4], at[5]);
  return upstream === null || service === null || method === null ? null : { upstream, service, method };
}

function start(vm: Guest, call: Omit<GuestGrpcCall, "metadata">, pairs: Buffer, out: number): number {
  // The id is written before anything is sent, so that a bad address sends nothing.
  if (!vm.memory.setU32(out, 0)) return status.INVALID_MEMORY_ACCESS;
  const metadata = decodePairs(pairs);
  if (metadata === null) return vm.refuse(status.PARSE_FAILURE, NOT_PAIRS);
  const { context } = vm;
  const id = context.grpc.start({ ...call, metadata }, context.id);
  if (id < 0) return -id;
  vm.memory.setU32(out, id);
  return status.OK;
}
