// Foreign functions over shared data: what the ABI lacks, each one atomic step over all data threads (abi.md 11.2).
import * as status from "../../../sdk/assembly/abi/status.ts";
import { encodePairs } from "../../abi/pairs.ts";
import type { ForeignResult } from "../../vm/ports.ts";
import { answer, badArgument, DONE, type ForeignContext, type ForeignTable, refused } from "./context.ts";

const MAX_KEYS = 1024;
/** Counters under this prefix are undone when the stream ends. */
const IN_FLIGHT = "inflight:";
const MAX_IN_FLIGHT = 256;
const STALE = "the key has changed: its cas is not {}";

export const SHARED: ForeignTable = {
  "sluice.gcra": gcra,
  "sluice.counter_add": counterAdd,
  "sluice.kv_delete": kvDelete,
  "sluice.kv_keys": kvKeys,
  "sluice.kv_set": kvSet,
};

const stored = (code: ForeignResult["status"], cas: number): ForeignResult => {
  if (code === status.OK) return DONE;
  return refused(code, code === status.CAS_MISMATCH ? STALE : "no room: key, value or namespace is over its cap", cas);
};

/** u64 period_ns, u32 limit, u32 burst, u32 cost, then key -> u8 allowed, u32 remaining, u64 retry_after_ns. */
function gcra({ plugin }: ForeignContext, args: Buffer): ForeignResult {
  if (args.length < 20) return badArgument("expected u64 period_ns, u32 limit, u32 burst, u32 cost and a key");
  const request = {
    periodNs: args.readBigUInt64LE(0),
    limit: args.readUInt32LE(8),
    burst: args.readUInt32LE(12),
    cost: args.readUInt32LE(16),
  };
  if (request.periodNs === 0n || request.limit === 0) return badArgument("period_ns and limit must be above 0");
  const { services, options } = plugin;
  const verdict = services.shared.gcra(options.vmId, args.latin1Slice(20), request, services.clock.nowNanos());
  const bytes = Buffer.alloc(13);
  bytes[0] = verdict.allowed ? 1 : 0;
  bytes.writeUInt32LE(verdict.remaining, 1);
  bytes.writeBigUInt64LE(verdict.retryAfterNs, 5);
  return answer(bytes);
}

/** i64 delta, then name -> u64 new value. */
function counterAdd({ plugin, stream }: ForeignContext, args: Buffer): ForeignResult {
  if (args.length < 9) return badArgument("expected i64 delta and a name");
  const { shared } = plugin.services;
  const { vmId } = plugin.options;
  const name = args.latin1Slice(8);
  const delta = args.readBigInt64LE(0);
  const inFlight = stream !== null && name.startsWith(IN_FLIGHT) ? stream.inFlight : null;
  if (inFlight !== null && !inFlight.has(name) && inFlight.size >= MAX_IN_FLIGHT)
    return badArgument("a stream counts 256 things in flight");
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(shared.add(vmId, name, delta));
  inFlight?.set(name, (inFlight.get(name) ?? 0n) + delta);
  return answer(bytes);
}

/** u32 cas, then key. */
function kvDelete({ plugin }: ForeignContext, args: Buffer): ForeignResult {
  if (args.length < 4) return badArgument("expected u32 cas and a key");
  const cas = args.readUInt32LE(0);
  return stored(plugin.services.shared.delete(plugin.options.vmId, args.latin1Slice(4), cas), cas);
}

/** prefix, raw -> Pairs key -> cas. */
function kvKeys({ plugin }: ForeignContext, args: Buffer): ForeignResult {
  const found = plugin.services.shared.keys(plugin.options.vmId, args.latin1Slice(), MAX_KEYS);
  return answer(encodePairs(found.flatMap(({ key, cas }) => [key, String(cas)])));
}

/** u32 cas, u32 ttl_ms (0 = none), u32 klen, key, value. */
function kvSet({ plugin }: ForeignContext, args: Buffer): ForeignResult {
  const keyEnd = args.length < 12 ? -1 : 12 + args.readUInt32LE(8);
  if (keyEnd < 0 || keyEnd > args.length) return badArgument("expected u32 cas, u32 ttl_ms, u32 klen, key and value");
  const { services, options } = plugin;
  const cas = args.readUInt32LE(0);
  const caps = { keys: options.limits.sharedDataKeys, bytes: options.limits.sharedDataBytes };
  const times = { ttlMs: args.readUInt32LE(4), nowMs: services.clock.nowMs(), caps };
  const key = args.latin1Slice(12, keyEnd);
  return stored(services.shared.set(options.vmId, key, args.subarray(keyEnd), cas, times), cas);
}
