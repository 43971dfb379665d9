// How an attribute is read: from what, and in which of Envoy's binary encodings (abi.md 6.3). Shared by the tables beside
// this file. Null = not there, or not there yet.
import { firstHeader, type HeaderList } from "../../abi/headers.ts";
import { encodeInt, encodeText } from "../../abi/property-path.ts";
import type { PluginServices } from "../../plugin/services.ts";
import type { StreamFacts } from "../ports.ts";

export interface PropertySource {
  readonly facts: StreamFacts;
  readonly request: HeaderList | null;
  readonly response: HeaderList | null;
  readonly responseTrailers: HeaderList | null;
  /** The exchange is over: durations and sizes are final. */
  readonly complete: boolean;
  readonly services: PluginServices;
}

/** @param rest segments behind the attribute's own name */
export type Read = (source: PropertySource, rest: readonly string[]) => Uint8Array | null;
export type Attributes = Readonly<Record<string, Read>>;

export const text = (read: (source: PropertySource) => string | undefined): Read => {
  return (source) => {
    const value = read(source);
    return value === undefined || value === "" ? null : encodeText(value);
  };
};

export const int =
  (read: (source: PropertySource) => number | null): Read =>
  (source) => {
    const value = read(source);
    return value === null ? null : encodeInt(value);
  };

export const atEnd =
  (read: Read): Read =>
  (source, rest) =>
    source.complete ? read(source, rest) : null;

/** What this host never has (a plain connection has no certificates): NOT_FOUND, as in Envoy. */
export const absent: Read = () => null;

export const nanos = (ms: number): bigint => BigInt(Math.round(ms * 1e6));
export const bytesOf = (list: HeaderList | null): number => (list ?? []).reduce((sum, part) => sum + part.length, 0);
export const ofRequest = (name: string): Read =>
  text(({ request }) => (request === null ? undefined : firstHeader(request, name)));

/** `headers.<name>`: all values, joined by "," as Envoy's attribute is. */
export function headerText(list: HeaderList | null, name: string): Uint8Array | null {
  const values = (list ?? []).filter((_, at, all) => at % 2 === 1 && all[at - 1] === name.toLowerCase());
  return values.length === 0 ? null : encodeText(values.join(","));
}

export const addressOf = (host: string, port: number): string =>
  host === "" ? "" : `${host.includes(":") ? `[${host}]` : host}:${port}`;
