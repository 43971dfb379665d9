// Header names: one interned lower-case string and one kind per name, found by hashing the characters in the same pass that
// checks them. Interned names make every later comparison a pointer compare, and no slice is made for a name seen before.
import { internalized } from "../../abi/headers.ts";
import { LOWER_TOKEN, isLowerToken } from "./chars.ts";

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
  /** Hop-by-hop; what it offers is kept beside the list. */
  upgrade: 14,
} as const;

export interface FieldName {
  readonly name: string;
  readonly kind: number;
  /** The characters of the name. */
  readonly codes: Uint8Array;
  /** The name that followed this one the last time: the first guess for the next line. */
  next: FieldName | null;
}

const KINDS: ReadonlyMap<string, number> = new Map([
  ["host", Kind.host],
  ["content-length", Kind.contentLength],
  ["transfer-encoding", Kind.transferEncoding],
  ["connection", Kind.connection],
  ["keep-alive", Kind.hop],
  ["proxy-connection", Kind.hop],
  ["upgrade", Kind.upgrade],
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
export const MAX_INTERNED = 64;

/** A name made anew; `name` is lower-case latin1. */
export const fieldName = (name: string): FieldName => ({
  name: internalized(name),
  kind: kindOf(name),
  codes: Buffer.from(name, "latin1"),
  next: null,
});

/** Direct-mapped and bounded: a peer with endless names only makes its own look-ups slower. */
const SLOTS = 2048;
const slots: (FieldName | undefined)[] = Array.from({ length: SLOTS }, () => undefined);

/**
 * The name at `bytes[from, to)`, whose characters are tokens. `hash` is FNV-1a over their lower-case codes.
 */
export function internName(bytes: Uint8Array, from: number, to: number, hash: number): FieldName {
  const slot = (hash >>> 0) % SLOTS;
  const found = slots[slot];
  if (found !== undefined && found.codes.length === to - from && beginsWith(bytes, from, found)) return found;
  const entry = fieldName(Buffer.from(bytes.subarray(from, to)).latin1Slice().toLowerCase());
  // A known name keeps its slot: common headers must not be thrown out by rare ones.
  if (entry.codes.length > MAX_INTERNED || (found !== undefined && KINDS.has(found.name))) return entry;
  // What is thrown out must not hold on to what came behind it.
  if (found !== undefined) found.next = null;
  slots[slot] = entry;
  return entry;
}

/** Whether `guess` stands at `from`, in any case of letters. The hash above is only an index: the characters decide. */
export function beginsWith(bytes: Uint8Array, from: number, { codes }: FieldName): boolean {
  const { length } = codes;
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

const byText = new Map<string, FieldName>();

/** The entry of a name that is text already (HTTP/2); null when it is no lower-case token. Bounded like the table above. */
export function fieldNameOf(name: string): FieldName | null {
  const known = byText.get(name);
  if (known !== undefined) return known;
  if (!isLowerToken(name)) return null;
  const entry = fieldName(name);
  if (name.length <= MAX_INTERNED) {
    if (byText.size === SLOTS) byText.clear();
    byText.set(entry.name, entry);
  }
  return entry;
}
