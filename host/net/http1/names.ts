// Header names: one interned lower-case string and one kind per name, found by hashing the characters in the same pass that
// checks them. Interned names make every later comparison a pointer compare, and no slice is made for a name seen before.
import { internalized } from "../../abi/headers.ts";
import { LOWER_TOKEN } from "./chars.ts";

/** What the parser does with a header; numbers, because the switch on it runs for every header. */
export const Kind = {
  plain: 0,
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  /** Hop-by-hop without meaning for us: dropped (RFC 9110 7.6.1). */
  hop: 5,
  te: 6,
  expect: 7,
  requestId: 8,
  forwardedFor: 9,
  forwardedProto: 10,
  userAgent: 11,
  /** x-envoy-*, x-sluice-*: what only proxies may say; dropped from requests. */
  internal: 12,
  /** Holds an underscore: confusable with a dash in CGI-like upstreams; refused in requests (reliability.md 3.2). */
  underscore: 13,
} as const;

export interface FieldName {
  readonly name: string;
  readonly kind: number;
}

const KINDS: ReadonlyMap<string, number> = new Map([
  ["host", Kind.host],
  ["content-length", Kind.contentLength],
  ["transfer-encoding", Kind.transferEncoding],
  ["connection", Kind.connection],
  ["keep-alive", Kind.hop],
  ["proxy-connection", Kind.hop],
  ["upgrade", Kind.hop],
  ["http2-settings", Kind.hop],
  ["te", Kind.te],
  ["expect", Kind.expect],
  ["x-request-id", Kind.requestId],
  ["x-forwarded-for", Kind.forwardedFor],
  ["x-forwarded-proto", Kind.forwardedProto],
  ["user-agent", Kind.userAgent],
]);

function kindOf(name: string): number {
  // The fault filter's headers steer a drill, not the router; whether they count is that filter's headerMode.
  if (name.startsWith("x-envoy-fault-")) return Kind.plain;
  if (name.startsWith("x-envoy-") || name.startsWith("x-sluice-")) return Kind.internal;
  return KINDS.get(name) ?? (name.includes("_") ? Kind.underscore : Kind.plain);
}

/** Longer names are rare, and 2048 of the longest would be a lot of memory. */
const MAX_INTERNED = 64;

interface Interned extends FieldName {
  /** The characters of the name. */
  readonly codes: Uint8Array;
}

/** Direct-mapped and bounded: a peer with endless names only makes its own look-ups slower. */
const SLOTS = 2048;
const slots: (Interned | undefined)[] = Array.from({ length: SLOTS }, () => undefined);

/**
 * The name at `bytes[from, to)`, whose characters are tokens. `hash` is FNV-1a over their lower-case codes.
 */
export function internName(bytes: Uint8Array, from: number, to: number, hash: number): FieldName {
  const slot = (hash >>> 0) % SLOTS;
  const found = slots[slot];
  if (found !== undefined && sameName(found.codes, bytes, from, to)) return found;
  const codes = Buffer.from(bytes.subarray(from, to)).map((code) => LOWER_TOKEN[code] as number);
  const name = internalized(Buffer.from(codes).latin1Slice());
  const entry = { name, kind: kindOf(name), codes };
  if (codes.length > MAX_INTERNED) return entry;
  // A known name keeps its slot: common headers must not be thrown out by rare ones.
  if (found === undefined || !KINDS.has(found.name)) slots[slot] = entry;
  return entry;
}

/** The hash is only an index: the characters decide. */
function sameName(codes: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  const { length } = codes;
  if (length !== to - from) return false;
  for (let at = 0; at < length; at++) if (LOWER_TOKEN[bytes[from + at] as number] !== codes[at]) return false;
  return true;
}

/** Hop-by-hop and framing names, which no filter and no peer may put on the wire through a header list. */
const NEVER_WRITTEN: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/** Whether the codec writes (or leaves out) this header by itself. */
export const isFramingName = (name: string): boolean => NEVER_WRITTEN.has(name);
