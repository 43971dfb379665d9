// A set of addresses and networks, as the config writes them (`10.0.0.0/8`, `::1`): whose PROXY headers and forwarding fields
// are believed. The config reader checks with the same code that the data plane uses.
import { BlockList, isIP } from "node:net";

const RANGE = /^([0-9A-Fa-f:.]+)(?:\/(\d{1,3}))?$/;

/** An IPv4 client of a socket that listens on IPv6 as well. */
const plain = (address: string): string =>
  address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;

export class AddressList {
  readonly #list = new BlockList();

  /** Entries that are none are left out; see {@link isAddressRange}. */
  constructor(ranges: readonly string[]) {
    for (const range of ranges) add(this.#list, range);
  }

  has(address: string): boolean {
    const text = plain(address);
    const family = isIP(text);
    return family !== 0 && this.#list.check(text, family === 6 ? "ipv6" : "ipv4");
  }
}

function add(list: BlockList, range: string): boolean {
  const [, address = "", bits] = RANGE.exec(range) ?? [];
  const family = isIP(address);
  if (family === 0) return false;
  const most = family === 6 ? 128 : 32;
  const prefix = bits === undefined ? most : Number(bits);
  if (prefix > most) return false;
  list.addSubnet(address, prefix, family === 6 ? "ipv6" : "ipv4");
  return true;
}

/** Whether `text` is an address or a network in CIDR notation. */
export const isAddressRange = (text: string): boolean => add(new BlockList(), text);
