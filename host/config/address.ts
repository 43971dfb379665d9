// `host:port` as people write it, and which hosts only this machine can reach.
import type { Reader } from "./reader.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

const ADDRESS = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d+)$/;

/** Text -> address, or the sentence why not. */
export function parseAddress(text: string): Address | string {
  const found = ADDRESS.exec(text);
  if (found === null) return `expected host:port, such as 127.0.0.1:8080 or [::1]:8080, got ${JSON.stringify(text)}`;
  const port = Number(found[3]);
  if (port > 65_535) return "port must be <= 65535";
  return { host: found[1] ?? found[2] ?? "", port };
}

/** The address at `reader`; a bad one is reported and reads as `byDefault`. */
export function readAddress(reader: Reader, byDefault: Address): Address {
  if (typeof reader.value !== "string") return byDefault;
  const address = parseAddress(reader.value);
  if (typeof address !== "string") return address;
  reader.problem("bad_address", address);
  return byDefault;
}

/** Whether only this machine can reach a listener on `host`. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Whether two listeners would want the same port. Port 0 never clashes. */
export function clashes(a: Address, b: Address): boolean {
  const isAny = (host: string): boolean => host === "0.0.0.0" || host === "::";
  const plain = (host: string): string => (host === "localhost" ? "127.0.0.1" : host);
  return a.port !== 0 && a.port === b.port && (isAny(a.host) || isAny(b.host) || plain(a.host) === plain(b.host));
}
