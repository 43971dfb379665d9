// A PROXY header, version 1 or 2, at the beginning of a connection -> whose connection it is. Pure, strict, bounded
// (haproxy doc/proxy-protocol.txt, sections 2.1 and 2.2).
import { isIP } from "node:net";
import { type Addresses, SIGNATURE } from "./addresses.ts";
import { checkTlvs } from "./tlvs.ts";

/** Closed set: reasons are metric labels. */
export type BadHeader =
  | "no_header"
  | "bad_line"
  | "bad_address"
  | "bad_version"
  | "bad_family"
  | "bad_length"
  | "bad_tlv"
  | "bad_checksum"
  | "too_long";

export type Parsed =
  | { readonly kind: "more" }
  | { readonly kind: "bad"; readonly reason: BadHeader }
  /** @param length of the header; addresses are null for UNKNOWN, LOCAL and families that are no TCP over IP */
  | { readonly kind: "done"; readonly length: number; readonly addresses: Addresses | null };

const MORE: Parsed = { kind: "more" };
const bad = (reason: BadHeader): Parsed => ({ kind: "bad", reason });

/** Version 1: the longest line there can be, its CRLF included. */
const MAX_LINE = 107;
/** Version 2: addresses and TLVs. The format allows 64 KiB; nobody needs them before a client is known. */
const MAX_BYTES = 4096;
const PREFIX = Buffer.from("PROXY ", "latin1");
const LINE = /^PROXY (TCP4|TCP6) ([0-9A-Fa-f.:]+) ([0-9A-Fa-f.:]+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})$/;

const beginsWith = (bytes: Buffer, start: Buffer): boolean => {
  const length = Math.min(bytes.length, start.length);
  return bytes.compare(start, 0, length, 0, length) === 0;
};

/** @param bytes all that has come so far; at least one */
export function parseHeader(bytes: Buffer): Parsed {
  if (beginsWith(bytes, SIGNATURE)) return bytes.length < 16 ? early(bytes) : parseBinary(bytes);
  if (beginsWith(bytes, PREFIX)) return parseLine(bytes);
  return bad("no_header");
}

/** What can be wrong is said as soon as it is known. */
function early(bytes: Buffer): Parsed {
  const version = bytes[12];
  return version === undefined || version === 0x20 || version === 0x21 ? MORE : bad("bad_version");
}

function parseLine(bytes: Buffer): Parsed {
  const end = bytes.indexOf("\r\n");
  if (end < 0) return bytes.length >= MAX_LINE ? bad("too_long") : MORE;
  if (end + 2 > MAX_LINE) return bad("too_long");
  const line = bytes.latin1Slice(0, end);
  const length = end + 2;
  if (/^PROXY UNKNOWN(?: [ -~]*)?$/.test(line)) return { kind: "done", length, addresses: null };
  const [, protocol, source = "", destination = "", from, to] = LINE.exec(line) ?? [];
  if (protocol === undefined) return bad("bad_line");
  const family = protocol === "TCP4" ? 4 : 6;
  const ports = [Number(from), Number(to)] as const;
  if (isIP(source) !== family || isIP(destination) !== family || ports.some((port) => port > 65_535)) {
    return bad("bad_address");
  }
  const addresses = {
    sourceAddress: source,
    sourcePort: ports[0],
    destinationAddress: destination,
    destinationPort: ports[1],
  };
  return { kind: "done", length, addresses };
}

/** By address family and protocol: bytes of one address. 0 = none that means anything here. */
const SIZES: Readonly<Record<number, number>> = { 0x00: 0, 0x11: 4, 0x21: 16, 0x31: 108, 0x32: 108 };

function parseBinary(bytes: Buffer): Parsed {
  const command = bytes[12] as number;
  const family = bytes[13] as number;
  const size = SIZES[family];
  const length = bytes.readUInt16BE(14);
  const whole = 16 + length;
  if (command !== 0x20 && command !== 0x21) return bad("bad_version");
  if (length > MAX_BYTES) return bad("too_long");
  // Whatever a LOCAL header says of addresses is to be passed over.
  const isLocal = command === 0x20;
  if (!isLocal && size === undefined) return bad("bad_family");
  const isUnix = family >> 4 === 3;
  const addressBytes = size === undefined || size === 0 ? 0 : isUnix ? size * 2 : size * 2 + 4;
  if (!isLocal && length < addressBytes) return bad("bad_length");
  if (bytes.length < whole) return MORE;
  const header = bytes.subarray(0, whole);
  if (isLocal) return { kind: "done", length: whole, addresses: null };
  // Without a family nobody knows where TLVs would begin.
  const wrong = family === 0 ? null : checkTlvs(header, 16 + addressBytes);
  if (wrong !== null) return bad(wrong);
  return { kind: "done", length: whole, addresses: isUnix || family === 0 ? null : addressesOf(header, size ?? 0) };
}

function addressesOf(header: Buffer, size: number): Addresses {
  const text = size === 4 ? ipv4 : ipv6;
  const ports = 16 + size * 2;
  return {
    sourceAddress: text(header.subarray(16, 16 + size)),
    sourcePort: header.readUInt16BE(ports),
    destinationAddress: text(header.subarray(16 + size, ports)),
    destinationPort: header.readUInt16BE(ports + 2),
  };
}

const ipv4 = (bytes: Buffer): string => bytes.join(".");

/** As RFC 5952 writes it. */
function ipv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16));
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}
