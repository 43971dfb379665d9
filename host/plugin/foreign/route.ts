// `sluice.route_set` and `sluice.endpoints` (abi.md 11.2): the filter decides, the router executes. All or nothing: one field
// that is unknown, unreadable, or beyond what this host's router can do refuses them all.
import * as maps from "../../../sdk/assembly/abi/map.ts";
import { checkHeaderWrite } from "../../abi/header-rules.ts";
import { MAX_METADATA_BYTES, MAX_PROPERTY_NAME_BYTES } from "../../abi/limits.ts";
import { decodePairs, encodePairs } from "../../abi/pairs.ts";
import { parseDurationMs } from "../../base/units.ts";
import type { RouteDecision } from "../../route/decision.ts";
import type { ForeignResult } from "../../vm/ports.ts";
import { RETRY, type Write } from "./retry.ts";
import { answer, badArgument, decisionOf, DONE, type ForeignContext, type ForeignTable, NO_STREAM } from "./context.ts";

const MAX_TIMEOUT_MS = 2 ** 31 - 1;
const MAX_TAGS = 64;
/** host:port, [IPv6]:port. */
const ADDRESS = /^(?:\[[0-9a-fA-F:.]+\]|[^:[\]\s]+):\d{1,5}$/;

export const ROUTE: ForeignTable = { "sluice.route_set": routeSet, "sluice.endpoints": endpoints };

const time =
  (field: "routeTimeoutMs" | "idleTimeoutMs" | "perTryTimeoutMs"): Write =>
  (into, value) => {
    const ms = parseDurationMs(value);
    if (ms === null || ms > MAX_TIMEOUT_MS) return false;
    into[field] = ms;
    return true;
  };

const header =
  (field: "hostRewrite" | "pathRewrite", name: string): Write =>
  (into, value) => {
    into[field] = value;
    return checkHeaderWrite(maps.HTTP_REQUEST_HEADERS, name, value) === "ok";
  };

/** The fields of a RouteDecision that the router executes. */
const FIELDS: Readonly<Record<string, Write>> = {
  cluster: (into, value) => {
    into.cluster = value;
    return value !== "";
  },
  "timeouts.route": time("routeTimeoutMs"),
  "timeouts.idle": time("idleTimeoutMs"),
  "timeouts.perTry": time("perTryTimeoutMs"),
  "overrideHost.addr": (into, value) => {
    into.overrideAddr = value;
    return ADDRESS.test(value);
  },
  "overrideHost.strict": (into, value) => {
    into.overrideStrict = value === "true";
    return value === "true" || value === "false";
  },
  ...RETRY,
  hostRewrite: header("hostRewrite", ":authority"),
  pathRewrite: header("pathRewrite", ":path"),
};
const TAG = "tags.";
/** Fields of the contract that the router does not execute. */
const NOT_EXECUTED = /^(?:subset\..+|hashKeys|priority|timeouts\.maxStream|retry\.perTryIdle|hedge|mirrors)$/;

function writerOf(key: string): Write | undefined {
  if (Object.hasOwn(FIELDS, key)) return FIELDS[key];
  if (!key.startsWith(TAG) || key.length === TAG.length) return undefined;
  return (into, value) => {
    (into.tags ??= {})[key.slice(TAG.length)] = value;
    return Object.keys(into.tags).length <= MAX_TAGS;
  };
}

function routeSet({ stream }: ForeignContext, args: Buffer): ForeignResult {
  if (stream === null) return badArgument(NO_STREAM);
  if (stream.routed) return badArgument("the decision is frozen: the request has left the filters");
  const pairs = decodePairs(args);
  if (pairs === null || pairs.length === 0) return badArgument("expected Pairs of fields and values");
  const wanted: Omit<RouteDecision, "by"> = {};
  for (let at = 0; at < pairs.length; at += 2) {
    const [key = "", value = ""] = pairs.slice(at, at + 2);
    const write = writerOf(key);
    if (write === undefined)
      return badArgument(NOT_EXECUTED.test(key) ? "this host's router does not do {}" : "there is no field {}", key);
    if (key.length > MAX_PROPERTY_NAME_BYTES || value.length > MAX_METADATA_BYTES || !write(wanted, value))
      return badArgument("the value given for {} is not valid", key);
  }
  const decision = decisionOf(stream.notes);
  const tags = { ...decision.tags, ...wanted.tags };
  if (Object.keys(tags).length > MAX_TAGS) return badArgument("a request has at most 64 tags");
  if (wanted.retry !== undefined) wanted.retry = { ...decision.retry, ...wanted.retry };
  Object.assign(decision, wanted, Object.keys(tags).length === 0 ? {} : { tags });
  for (let at = 0; at < pairs.length; at += 2) decision.by[pairs[at] ?? ""] = stream.author;
  return DONE;
}

/** Cluster name, raw (empty = the selected one) -> Pairs "" -> u64 epoch, `host:port` -> four u32 and the zone. */
function endpoints({ plugin, stream }: ForeignContext, args: Buffer): ForeignResult {
  const name = args.length > 0 ? args.latin1Slice() : (stream?.clusterName ?? "");
  if (name === "") return badArgument("no cluster is named, and none is selected");
  const found = plugin.services.clusters?.(name) ?? null;
  if (found === null) return badArgument("there is no cluster {}", name);
  const epoch = Buffer.alloc(8);
  epoch.writeBigUInt64LE(BigInt(found.epoch));
  const rows = found.endpoints.flatMap(({ address, zone, ...numbers }) => {
    const head = Buffer.alloc(16);
    [numbers.weight, numbers.flags, numbers.inFlight, numbers.ewmaMicros].forEach((value, at) =>
      head.writeUInt32LE(value >>> 0, 4 * at),
    );
    return [address, head.latin1Slice() + zone];
  });
  return answer(encodePairs(["", epoch.latin1Slice(), ...rows]));
}
