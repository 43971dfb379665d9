// The PROXY header that an upstream is given (haproxy doc/proxy-protocol.txt 2). Pure. Called once per connection to a cluster
// with `proxyProtocol`.
import { isIP } from "node:net";
import { type Addresses, SIGNATURE } from "./addresses.ts";

/** @param client null: the connection is our own (a call-out of a filter) */
export function proxyHeader(version: "v1" | "v2", client: Addresses | null): Buffer {
  const family = client === null ? 0 : familyOf(client);
  if (client === null || family === 0) return version === "v1" ? UNKNOWN : LOCAL;
  return version === "v1" ? line(client, family) : binary(client, family);
}

const UNKNOWN = Buffer.from("PROXY UNKNOWN\r\n", "latin1");
const LOCAL = Buffer.concat([SIGNATURE, Buffer.from([0x20, 0, 0, 0])]);

/** 0: not both known. An IPv4 client that was accepted on an IPv6 socket counts as what the two have in common. */
function familyOf({ sourceAddress, destinationAddress }: Addresses): 0 | 4 | 6 {
  const source = isIP(sourceAddress);
  const destination = isIP(destinationAddress);
  if (source === 0 || destination === 0) return 0;
  return source === 4 && destination === 4 ? 4 : 6;
}

const mapped = (address: string, family: 4 | 6): string =>
  family === 6 && isIP(address) === 4 ? `::ffff:${address}` : address;

function line({ sourceAddress, sourcePort, destinationAddress, destinationPort }: Addresses, family: 4 | 6): Buffer {
  const addresses = `${mapped(sourceAddress, family)} ${mapped(destinationAddress, family)}`;
  return Buffer.from(`PROXY TCP${family} ${addresses} ${sourcePort} ${destinationPort}\r\n`, "latin1");
}

function binary(client: Addresses, family: 4 | 6): Buffer {
  const size = family === 4 ? 4 : 16;
  const header = Buffer.alloc(16 + size * 2 + 4);
  SIGNATURE.copy(header);
  header[12] = 0x21;
  header[13] = family === 4 ? 0x11 : 0x21;
  header.writeUInt16BE(size * 2 + 4, 14);
  writeAddress(header, 16, client.sourceAddress, family);
  writeAddress(header, 16 + size, client.destinationAddress, family);
  header.writeUInt16BE(client.sourcePort, 16 + size * 2);
  header.writeUInt16BE(client.destinationPort, 18 + size * 2);
  return header;
}

function writeAddress(header: Buffer, at: number, address: string, family: 4 | 6): void {
  if (family === 4) {
    for (const [index, part] of address.split(".").entries()) header[at + index] = Number(part);
    return;
  }
  for (const [index, group] of groupsOf(mapped(address, 6)).entries()) header.writeUInt16BE(group, at + index * 2);
}

/** The eight groups of an IPv6 address; a zone (`%eth0`) says something to this machine alone. */
function groupsOf(address: string): readonly number[] {
  const canonical = new URL(`http://[${address.split("%", 1)[0]}]`).hostname.slice(1, -1);
  const [head = "", tail] = canonical.split("::");
  const first = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => "0");
  return [...first, ...zeros, ...last].map((group) => Number.parseInt(group, 16));
}
