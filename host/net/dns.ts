// Name look-ups for filters: the system's name servers, with their times to live; what they do not know, and names without a
// dot, by the system's own rules (hosts file and the like), which tell no time to live.
import { Resolver, lookup } from "node:dns";
import type { DnsAddress, DnsPort } from "../plugin/dns-queries.ts";

export interface DnsOptions {
  /** `address:port` of name servers; default: the system's. */
  readonly servers?: readonly string[];
}

const TIMEOUT_MS = 2000;
const TRIES = 2;

export function createDns({ servers }: DnsOptions = {}): DnsPort {
  let resolver: Resolver | null = null;
  const open = (): Resolver => {
    const made = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
    if (servers !== undefined) made.setServers(servers);
    return made;
  };
  return {
    resolve(name, done) {
      void (async () => {
        const asked = name.includes(".") && !name.includes(":") ? await ask((resolver ??= open()), name) : [];
        done(asked.length > 0 ? asked : await bySystem(name));
      })();
    },
  };
}

async function ask(resolver: Resolver, name: string): Promise<readonly DnsAddress[]> {
  const of = (kind: "resolve4" | "resolve6"): Promise<readonly DnsAddress[]> =>
    new Promise((resolve) => {
      resolver[kind](name, { ttl: true }, (error, records) => resolve(error === null ? records : []));
    });
  return (await Promise.all([of("resolve4"), of("resolve6")])).flat();
}

function bySystem(name: string): Promise<readonly DnsAddress[]> {
  return new Promise((resolve) => {
    lookup(name, { all: true }, (error, found) =>
      resolve(error === null ? found.map(({ address }) => ({ address, ttl: 0 })) : []),
    );
  });
}
