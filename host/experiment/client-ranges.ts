// Addresses and CIDR ranges, for telling trusted clients from others. Read once, asked only for requests that claim a right.

interface Address {
  readonly value: bigint;
  /** 32 or 128. */
  readonly bits: number;
}

interface Range extends Address {
  readonly prefix: number;
}

function parseV4(text: string): bigint | null {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined || parts.some((part) => part > 255)) return null;
  return parts.reduce((sum, part) => sum * 256n + BigInt(part), 0n);
}

function parseV6(text: string): bigint | null {
  const [head = "", tail, ...more] = text.split("::");
  const words = (part: string): string[] => (part === "" ? [] : part.split(":"));
  const [left, right] = [words(head), words(tail ?? "")];
  const missing = 8 - left.length - right.length;
  if (more.length > 0 || (tail === undefined ? missing !== 0 : missing < 1)) return null;
  const all = [...left, ...Array.from({ length: missing }, () => "0"), ...right];
  if (all.some((word) => !/^[0-9a-f]{1,4}$/i.test(word))) return null;
  return all.reduce((sum, word) => sum * 65_536n + BigInt(`0x${word}`), 0n);
}

/** An IPv4 address in IPv6 clothes is an IPv4 address: that is how dual-stack sockets show it. */
function parseAddress(text: string): Address | null {
  const bare = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text)?.[1] ?? text;
  const four = parseV4(bare);
  if (four !== null) return { value: four, bits: 32 };
  const six = parseV6(bare);
  return six === null ? null : { value: six, bits: 128 };
}

/** `10.0.0.0/8`, `::1`, or null. */
export function parseRange(text: string): Range | null {
  const [address = "", length, ...more] = text.split("/");
  const parsed = parseAddress(address);
  if (parsed === null || more.length > 0) return null;
  const prefix = length === undefined ? parsed.bits : /^\d+$/.test(length) ? Number(length) : Number.NaN;
  return prefix <= parsed.bits ? { ...parsed, prefix } : null;
}

export class ClientRanges {
  readonly #ranges: readonly Range[];

  /** What cannot be read covers nobody; the config refuses it. */
  constructor(texts: readonly string[]) {
    this.#ranges = texts.map(parseRange).filter((range) => range !== null);
  }

  covers(text: string): boolean {
    const address = parseAddress(text);
    if (address === null) return false;
    return this.#ranges.some(({ value, bits, prefix }) => {
      const shift = BigInt(bits - prefix);
      return bits === address.bits && value >> shift === address.value >> shift;
    });
  }
}
