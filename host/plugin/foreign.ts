// Foreign functions that need no stream (abi.md 11.2): atomic state that the ABI lacks, feature discovery, zlib. NOT_FOUND
// means "this host lacks the function" and nothing else, so that an SDK can fall back.
import { deflateSync, inflateSync } from "node:zlib";
import * as status from "../../sdk/assembly/abi/status.ts";
import { encodePairs } from "../abi/pairs.ts";
import type { Status } from "../abi/status.ts";
import { SluiceError } from "../base/errors.ts";
import type { ForeignResult } from "../vm/ports.ts";
import type { PluginServices } from "./services.ts";

const NOTHING = Buffer.alloc(0);
const answer = (code: Status, bytes: Uint8Array = NOTHING): ForeignResult => ({ status: code, bytes });

/** Output cap of `uncompress`, bytes: a few bytes must not become gigabytes. */
const MAX_INFLATED_BYTES = 1024 * 1024;

/** name -> version of every extra this host offers; stream-level ones included (`sluice.features`). */
export const FEATURES: Readonly<Record<string, string>> = {
  "sluice.counter_add": "1",
  "sluice.delay": "1",
  "sluice.features": "1",
  "sluice.gcra": "1",
  "sluice.hold_headers": "1",
  "sluice.kv_delete": "1",
  "sluice.kv_keys": "1",
  "sluice.kv_set": "1",
  "sluice.reply_downstream": "1",
  clear_route_cache: "1",
  compress: "1",
  uncompress: "1",
};

type Foreign = (services: PluginServices, vmId: string, args: Buffer) => ForeignResult;

const FUNCTIONS: Readonly<Record<string, Foreign>> = {
  "sluice.features": () => answer(status.OK, encodePairs(Object.entries(FEATURES).flat())),
  "sluice.gcra": gcra,
  "sluice.counter_add": counterAdd,
  "sluice.kv_delete": (services, vmId, args) =>
    args.length < 4
      ? answer(status.BAD_ARGUMENT)
      : answer(services.shared.delete(vmId, args.latin1Slice(4), args.readUInt32LE(0))),
  "sluice.kv_keys": kvKeys,
  "sluice.kv_set": kvSet,
  // Only a TCP connection has a client to write to (chain/tcp-context.ts); elsewhere its window is closed.
  "sluice.reply_downstream": () => answer(status.BAD_ARGUMENT),
  compress: (_services, _vmId, args) => answer(status.OK, deflateSync(args)),
  uncompress,
};

/** Runs `name`, or answers NOT_FOUND. */
export function callForeign(services: PluginServices, vmId: string, name: string, args: Buffer): ForeignResult {
  const run = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (run === undefined) return answer(status.NOT_FOUND);
  try {
    return run(services, vmId, args);
  } catch (error) {
    // A key too long or no room left: clients choose keys, so this must not end the guest.
    if (error instanceof SluiceError) return answer(status.INTERNAL_FAILURE);
    throw error;
  }
}

/** u64 period_ns, u32 limit, u32 burst, u32 cost, then key -> u8 allowed, u32 remaining, u64 retry_after_ns. */
function gcra(services: PluginServices, vmId: string, args: Buffer): ForeignResult {
  if (args.length < 20) return answer(status.BAD_ARGUMENT);
  const request = {
    periodNs: args.readBigUInt64LE(0),
    limit: args.readUInt32LE(8),
    burst: args.readUInt32LE(12),
    cost: args.readUInt32LE(16),
  };
  if (request.periodNs === 0n || request.limit === 0) return answer(status.BAD_ARGUMENT);
  const verdict = services.shared.gcra(vmId, args.latin1Slice(20), request, services.clock.nowNanos());
  const bytes = Buffer.alloc(13);
  bytes[0] = verdict.allowed ? 1 : 0;
  bytes.writeUInt32LE(verdict.remaining, 1);
  bytes.writeBigUInt64LE(verdict.retryAfterNs, 5);
  return answer(status.OK, bytes);
}

/** i64 delta, then name -> u64 new value. */
function counterAdd(services: PluginServices, vmId: string, args: Buffer): ForeignResult {
  if (args.length < 9) return answer(status.BAD_ARGUMENT);
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(services.shared.add(vmId, args.latin1Slice(8), args.readBigInt64LE(0)));
  return answer(status.OK, bytes);
}

/** prefix, raw -> Pairs key -> cas. */
function kvKeys(services: PluginServices, vmId: string, args: Buffer): ForeignResult {
  const found = services.shared.keys(vmId, args.latin1Slice(), 1024);
  return answer(status.OK, encodePairs(found.flatMap(({ key, cas }) => [key, String(cas)])));
}

/** u32 cas, u32 ttl_ms (0 = none), u32 klen, key, value. */
function kvSet(services: PluginServices, vmId: string, args: Buffer): ForeignResult {
  const keyEnd = args.length < 12 ? -1 : 12 + args.readUInt32LE(8);
  if (keyEnd < 0 || keyEnd > args.length) return answer(status.BAD_ARGUMENT);
  const options = { ttlMs: args.readUInt32LE(4), nowMs: services.clock.nowMs() };
  return answer(
    services.shared.set(vmId, args.latin1Slice(12, keyEnd), args.subarray(keyEnd), args.readUInt32LE(0), options),
  );
}

function uncompress(_services: PluginServices, _vmId: string, args: Buffer): ForeignResult {
  try {
    return answer(status.OK, inflateSync(args, { maxOutputLength: MAX_INFLATED_BYTES }));
  } catch {
    return answer(status.SERIALIZATION_FAILURE);
  }
}
