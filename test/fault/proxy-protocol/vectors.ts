// PROXY headers as data: good ones with what they say, and everything that only looks like one
// (haproxy doc/proxy-protocol.txt).
import { crc32c } from "../../../host/net/proxy-protocol/tlvs.ts";

export interface HeaderVector {
  readonly name: string;
  readonly bytes: Buffer;
  /** `source:port>destination:port`, "" = the connection's own peer, or the reason of a refusal. */
  readonly says: string;
}

const SIGNATURE = "0d0a0d0a000d0a515549540a";
const V4 = "0102030405060708d43101bb";
const V6 = "20010db800000000000000000000000120010db8000000000000000000000002d43101bb";
const SAYS4 = "1.2.3.4:54321>5.6.7.8:443";
const SAYS6 = "2001:db8::1:54321>2001:db8::2:443";

const line = (name: string, text: string, says: string): HeaderVector => ({
  name: `v1: ${name}`,
  bytes: Buffer.from(text, "latin1"),
  says,
});
const length = (hex: string): string => (hex.length / 2).toString(16).padStart(4, "0");
/** @param head version and command, family */
const v2 = (name: string, head: string, body: string, says: string): HeaderVector => ({
  name: `v2: ${name}`,
  bytes: Buffer.from(SIGNATURE + head + length(body) + body, "hex"),
  says,
});

function checksummed(wrong: boolean): Buffer {
  const bytes = Buffer.from(`${SIGNATURE}2111${length(`${V4}03000400000000`)}${V4}03000400000000`, "hex");
  bytes.writeUInt32BE((crc32c(bytes) ^ (wrong ? 1 : 0)) >>> 0, bytes.length - 4);
  return bytes;
}

export const GOOD_HEADERS: readonly HeaderVector[] = [
  line("TCP4", "PROXY TCP4 1.2.3.4 5.6.7.8 54321 443\r\n", SAYS4),
  line("TCP6", "PROXY TCP6 2001:db8::1 2001:db8::2 54321 443\r\n", SAYS6),
  line("UNKNOWN", "PROXY UNKNOWN\r\n", ""),
  line("UNKNOWN with addresses", "PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", ""),
  line("port 0", "PROXY TCP4 1.2.3.4 5.6.7.8 0 65535\r\n", "1.2.3.4:0>5.6.7.8:65535"),
  v2("TCP4", "2111", V4, SAYS4),
  v2("TCP6", "2121", V6, SAYS6),
  v2("LOCAL", "2000", "", ""),
  v2("LOCAL with addresses, which are passed over", "2011", V4, ""),
  v2("LOCAL with nonsense", "20ff", "abcd", ""),
  v2("UNSPEC", "2100", "", ""),
  v2("UNSPEC with bytes that nobody can read", "2100", "0102030405", ""),
  v2("a unix socket", "2131", "2f".repeat(216), ""),
  v2("TLVs: ALPN, authority, NOOP", "2111", `${V4}010002683202000568656c6c6f040000`, SAYS4),
  v2("an empty TLV", "2111", `${V4}300000`, SAYS4),
  { name: "v2: a checksum that holds", bytes: checksummed(false), says: SAYS4 },
];

export const BAD_HEADERS: readonly HeaderVector[] = [
  line("no header", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "no_header"),
  line("lower case", "proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n", "no_header"),
  line("white space first", " PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", "no_header"),
  line("TLS first", "\x16\x03\x01\x02\x00", "no_header"),
  line("NUL", "\x00", "no_header"),
  line("UDP", "PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n", "bad_line"),
  line("nothing said", "PROXY \r\n", "bad_line"),
  line("UNKNOWN run together", "PROXY UNKNOWNX\r\n", "bad_line"),
  line("UNKNOWN with a control character", "PROXY UNKNOWN \x01\r\n", "bad_line"),
  line("two spaces", "PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n", "bad_line"),
  line("a tab", "PROXY TCP4\t1.2.3.4 5.6.7.8 1 2\r\n", "bad_line"),
  line("one port", "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", "bad_line"),
  line("three ports", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n", "bad_line"),
  line("a space at the end", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n", "bad_line"),
  line("a port with a leading zero", "PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n", "bad_line"),
  line("a negative port", "PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n", "bad_line"),
  line("a port beyond 65535", "PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n", "bad_address"),
  line("an address of five parts", "PROXY TCP4 1.2.3.4.5 5.6.7.8 1 2\r\n", "bad_address"),
  line("an address with a leading zero", "PROXY TCP4 01.2.3.4 5.6.7.8 1 2\r\n", "bad_address"),
  line("a number beyond 255", "PROXY TCP4 1.2.3.256 5.6.7.8 1 2\r\n", "bad_address"),
  line("IPv6 as TCP4", "PROXY TCP4 ::1 ::2 1 2\r\n", "bad_address"),
  line("IPv4 as TCP6", "PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n", "bad_address"),
  line("a name", "PROXY TCP4 a.test b.test 1 2\r\n", "bad_line"),
  line("a zone", "PROXY TCP6 fe80::1%eth0 ::2 1 2\r\n", "bad_line"),
  line("bare LF", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\nGET / HTTP/1.1\r\n", "bad_line"),
  line("a CR inside", "PROXY TCP4 1.2.3.4 5.6.7.8 1\r2\r\n", "bad_line"),
  line("a line of 108 bytes", `PROXY UNKNOWN ${"x".repeat(92)}\r\n`, "too_long"),
  line("a line without end", `PROXY TCP4 ${"1".repeat(200)}`, "too_long"),
  v2("version 1", "1111", V4, "bad_version"),
  v2("version 3", "3111", V4, "bad_version"),
  v2("command 2", "2211", V4, "bad_version"),
  v2("command 15", "2f11", V4, "bad_version"),
  v2("UDP4", "2112", V4, "bad_family"),
  v2("UDP6", "2122", V6, "bad_family"),
  v2("IPv4 of no protocol", "2110", V4, "bad_family"),
  v2("family 4", "2141", V4, "bad_family"),
  v2("TCP4 with no address", "2111", "", "bad_length"),
  v2("TCP4 one byte short", "2111", V4.slice(2), "bad_length"),
  v2("TCP6 with addresses of IPv4", "2121", V4, "bad_length"),
  v2("a unix socket without its path", "2131", V4, "bad_length"),
  v2("5000 bytes", "2111", V4 + "00".repeat(4988), "too_long"),
  {
    name: "v2: the longest there can be",
    bytes: Buffer.from(`${SIGNATURE}2111ffff${V4}`, "hex"),
    says: "too_long",
  },
  v2("LOCAL of 5000 bytes", "2000", "00".repeat(5000), "too_long"),
  v2("half a TLV", "2111", `${V4}01`, "bad_tlv"),
  v2("a TLV without its length", "2111", `${V4}0100`, "bad_tlv"),
  v2("a TLV that is longer than the header", "2111", `${V4}01000568`, "bad_tlv"),
  v2("a TLV of 65535 bytes", "2111", `${V4}01ffff00`, "bad_tlv"),
  v2("a good TLV and half of one", "2111", `${V4}0100016804`, "bad_tlv"),
  v2("a checksum of two bytes", "2111", `${V4}0300020000`, "bad_tlv"),
  v2("two checksums", "2111", `${V4}0300040000000003000400000000`, "bad_tlv"),
  v2("zeros as a checksum", "2111", `${V4}03000400000000`, "bad_checksum"),
  { name: "v2: a checksum of one wrong bit", bytes: checksummed(true), says: "bad_checksum" },
];

/** Beginnings that may still become a header. */
export const HALF_HEADERS: readonly HeaderVector[] = [
  line("one letter", "P", "more"),
  line("half a line", "PROXY TCP4 1.2.3.4 5.6.", "more"),
  line("a line without its LF", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r", "more"),
  { name: "v2: half a signature", bytes: Buffer.from(SIGNATURE.slice(0, 10), "hex"), says: "more" },
  { name: "v2: no length", bytes: Buffer.from(`${SIGNATURE}2111`, "hex"), says: "more" },
  { name: "v2: half the addresses", bytes: Buffer.from(`${SIGNATURE}2111000c${V4.slice(0, 10)}`, "hex"), says: "more" },
];
