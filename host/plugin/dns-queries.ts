// Name look-ups of filters (`envoy_resolve_dns`, an extra of Envoy; abi.md 3.5, 6.4). They belong to the plugin context and
// are forgotten with it. A query carries its name out of the machine, so a filter with an allow-list of upstreams has none.
import * as status from "../../sdk/assembly/abi/status.ts";
import { MAX_DNS_QUERIES } from "../abi/limits.ts";
import type { Status } from "../abi/status.ts";

export interface DnsAddress {
  readonly address: string;
  /** Seconds; 0 = not known. */
  readonly ttl: number;
}

/** How names are looked up; net implements this. */
export interface DnsPort {
  /** `done` is called exactly once, never before this returns; with nothing when the name has no address. */
  resolve(name: string, done: (found: readonly DnsAddress[]) => void): void;
}

export interface DnsOptions {
  /** Absent: this thread looks nothing up (the canary's). */
  readonly port: DnsPort | undefined;
  /** Clusters the filter may call; null = all. */
  readonly allowed: readonly string[] | null;
  readonly refuse: (answer: Status, reason: string, subject?: string | number) => number;
  /** Runs envoy_on_resolve_dns; {@link DnsQueries.answer} is readable meanwhile. */
  readonly deliver: (token: number, size: number) => void;
}

/** RFC 1035 2.3.4. */
const MAX_NAME = 253;
const NAME = /^[0-9A-Za-z_.:-]+$/;

export class DnsQueries {
  readonly #options: DnsOptions;
  readonly #pending = new Set<number>();
  #lastToken = 0;
  /** What the running callback may read as buffer 8. */
  answer: Buffer | null = null;

  constructor(options: DnsOptions) {
    this.#options = options;
  }

  /** A token, 1 or more; or a negated status. */
  start(name: string): number {
    const { port, allowed, refuse } = this.#options;
    if (name.length > MAX_NAME || !NAME.test(name)) return -refuse(status.BAD_ARGUMENT, "{} is not a host name", name);
    if (allowed !== null)
      return -refuse(status.BAD_ARGUMENT, "a filter with allowedUpstreams may not look up {}", name);
    if (port === undefined) return -refuse(status.INTERNAL_FAILURE, "no names are looked up here", name);
    if (this.#pending.size >= MAX_DNS_QUERIES)
      return -refuse(status.INTERNAL_FAILURE, `${MAX_DNS_QUERIES} look-ups are under way already`, name);
    const token = (this.#lastToken = (this.#lastToken % 0x7fff_ffff) + 1);
    this.#pending.add(token);
    port.resolve(name, (found) => this.#arrived(token, found));
    return token;
  }

  #arrived(token: number, found: readonly DnsAddress[]): void {
    if (!this.#pending.delete(token)) return;
    this.answer = encodeAddresses(found);
    try {
      this.#options.deliver(token, this.answer.length);
    } finally {
      this.answer = null;
    }
  }

  /** Answers that are still to come are dropped. */
  end(): void {
    this.#pending.clear();
  }
}

/** u32 n, n times u32 ttl, n addresses each ended by NUL (abi.md 6.4). */
function encodeAddresses(found: readonly DnsAddress[]): Buffer {
  const numbers = Buffer.alloc(4 + found.length * 4);
  numbers.writeUInt32LE(found.length, 0);
  for (const [at, { ttl }] of found.entries()) numbers.writeUInt32LE(ttl, 4 + at * 4);
  return Buffer.concat([numbers, Buffer.from(found.map(({ address }) => `${address}\0`).join(""))]);
}
