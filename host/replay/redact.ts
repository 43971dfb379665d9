// Takes secrets out of a recording before anybody can read it, so that it can still be replayed: each secret becomes a
// pseudonym, the same one wherever it stands, in the shape that filters take apart (the scheme of an authorization, the names
// of cookies, the keys of a configuration). The key of the pseudonyms is thrown away with the recording's end.
import { createHmac } from "node:crypto";
import { isSecretHeader, isSecretKey } from "../base/secrets.ts";
import type { CallValue } from "../vm/call-values.ts";
import type { Bytes, CallLine, MapsNow, RecordedOptions, RecordLine } from "./events.ts";

export type BodyMode = "off" | "hash" | "full" | { readonly head: number };

/** Shorter ones would be found in texts that have nothing to do with them. */
const MIN_SECRET = 6;
/** Remembered at once: every text is searched for every one of them. */
const MAX_SECRETS = 512;
/** Parts of a token, between its dots. */
const MIN_PART = 16;
/** What stands before a pseudonym. */
const MARK = "redacted-";
const QUERY = /(^|[?&;])([^=&#;\s?/]+)=([^&#;\s]*)/g;
const SCHEME = /^([A-Za-z][\w-]*) +(.+)$/;
/** Calls whose argument is a piece of a body that passes. */
const BODY_ARGUMENT: Readonly<Record<string, number>> = { proxy_set_buffer_bytes: 3 };

export class Redactor {
  readonly #key: Uint8Array;
  readonly #bodies: BodyMode;
  /** Secrets of traffic and their pseudonyms, seen last at the end. */
  readonly #secrets = new Map<string, string>();
  /** Those of the configuration, which stay. */
  readonly #lasting = new Map<string, string>();

  /** @param key random, for this recording alone */
  constructor(key: Uint8Array, bodies: BodyMode) {
    this.#key = key;
    this.#bodies = bodies;
  }

  line(line: RecordLine): RecordLine {
    switch (line.t) {
      case "vm":
        return { ...line, configs: line.configs.map((config) => this.#config(config)) };
      case "in":
        return this.#texts({
          ...line,
          ...(line.maps === undefined ? {} : { maps: this.#maps(line.maps) }),
          ...(line.body === undefined ? {} : { body: this.#body(line.body) }),
        });
      case "out":
        return this.#texts({ ...line, ...(line.maps === undefined ? {} : { maps: this.#maps(line.maps) }) });
      case "call":
        return this.#call(line);
      default:
        return line;
    }
  }

  /** What the header says of an instance's surroundings. */
  options(options: RecordedOptions): RecordedOptions {
    const environment = Object.entries(options.environment).map(([name, value]) => [
      name,
      isSecretKey(name) ? this.#pseudonym(value, this.#lasting) : value,
    ]);
    return {
      ...options,
      vmConfig: this.#config(options.vmConfig),
      environment: Object.fromEntries(environment) as object as Record<string, string>,
    };
  }

  #pseudonym(secret: string, known = this.#secrets): string {
    if (secret === "" || secret.startsWith(MARK)) return secret;
    const pseudonym =
      known.get(secret) ?? MARK + createHmac("sha256", this.#key).update(secret, "latin1").digest("hex").slice(0, 16);
    known.delete(secret);
    known.set(secret, pseudonym);
    const [oldest] = known.keys();
    if (known.size > MAX_SECRETS && known === this.#secrets && oldest !== undefined) known.delete(oldest);
    return pseudonym;
  }

  /** `Bearer x`, `Basic x`: what filters make of it is a secret as well. */
  #credentials(scheme: string, rest: string): string {
    for (const part of rest.split(".")) if (part !== rest && part.length >= MIN_PART) this.#pseudonym(part);
    if (scheme.toLowerCase() === "basic") {
      const decoded = Buffer.from(rest, "base64").latin1Slice();
      this.#pseudonym(decoded);
      this.#pseudonym(decoded.slice(decoded.indexOf(":") + 1));
    }
    return `${scheme} ${this.#pseudonym(rest)}`;
  }

  /** The value of a header, or of a property that is one. */
  #value(name: string, value: string): string {
    if (name === ":path" || name === "path" || name === "query" || name === "referer") return this.#query(value);
    if (!isSecretHeader(name)) return value;
    if (name === "cookie")
      return value
        .split(/; ?/)
        .map((pair) => this.#pair(pair))
        .join("; ");
    if (name === "set-cookie") return value.replace(/^[^;]*/, (pair) => this.#pair(pair));
    const [, scheme, rest] = SCHEME.exec(value) ?? [];
    return scheme === undefined || rest === undefined ? this.#pseudonym(value) : this.#credentials(scheme, rest);
  }

  #pair(pair: string): string {
    const at = pair.indexOf("=");
    return at < 0 ? this.#pseudonym(pair) : `${pair.slice(0, at + 1)}${this.#pseudonym(pair.slice(at + 1))}`;
  }

  #query(text: string): string {
    return text.replace(QUERY, (whole, before: string, key: string, value: string) =>
      isSecretKey(key) ? `${before}${key}=${this.#pseudonym(value)}` : whole,
    );
  }

  #list(list: readonly string[]): readonly string[] {
    return list.map((text, at) => (at % 2 === 0 ? text : this.#value(list[at - 1] ?? "", text)));
  }

  #maps(maps: MapsNow): MapsNow {
    return Object.fromEntries(Object.entries(maps).map(([map, list]) => [map, this.#list(list)]));
  }

  #call(line: CallLine): CallLine {
    const body = BODY_ARGUMENT[line.fn];
    const [first, second] = line.a;
    // A key that says what the value is: a header's name, a property's path.
    const isKeyed = line.fn.includes("header_map_value") || line.fn.endsWith("_property");
    const key = isKeyed ? String((line.fn.endsWith("_property") ? first : second) ?? "") : "";
    const name = key.slice(key.replace(/\0$/, "").lastIndexOf("\0") + 1).replace(/\0$/, "");
    const valueAt = line.fn === "proxy_set_property" ? 1 : line.fn.includes("header_map_value") ? 2 : -1;
    const a = line.a.map((value, at): CallValue => {
      if (typeof value === "object") return this.#list(value);
      if (at === body && this.#bodies !== "full") return this.#pseudonym(String(value));
      return at === valueAt && typeof value === "string" ? this.#value(name, value) : value;
    });
    const r = line.r?.map((value) => (isKeyed && typeof value === "string" ? this.#value(name, value) : value));
    return this.#texts({ ...line, a, ...(r === undefined ? {} : { r }) });
  }

  /** A secret may stand anywhere: in a key of shared data, in the arguments of a foreign function, in a log line. */
  #texts<T>(value: T): T {
    if (typeof value === "string") return this.#text(value) as T;
    if (Array.isArray(value)) return value.map((one: unknown) => this.#texts(one)) as T;
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, this.#texts(one as unknown)])) as T;
  }

  #text(text: string): string {
    let shown = text;
    for (const [secret, pseudonym] of [...this.#lasting, ...this.#secrets])
      if (secret.length >= MIN_SECRET && secret.length <= shown.length && shown.includes(secret))
        shown = shown.replaceAll(secret, pseudonym);
    return shown;
  }

  #body(body: Bytes): Bytes {
    const { n, x } = body;
    if (x === undefined || this.#bodies === "full") return body;
    if (this.#bodies === "off") return { n };
    if (this.#bodies === "hash")
      return { n, h: createHmac("sha256", this.#key).update(x, "latin1").digest("hex").slice(0, 32) };
    return { n, x: x.slice(0, this.#bodies.head) };
  }

  /** JSON with the values of secret keys replaced; text that is no JSON is replaced whole. */
  #config(text: string): string {
    if (text === "") return "";
    try {
      return JSON.stringify(this.#json(JSON.parse(text)));
    } catch {
      return this.#pseudonym(text, this.#lasting);
    }
  }

  #json(value: unknown, isSecret = false): unknown {
    if (Array.isArray(value)) return value.map((one) => this.#json(one, isSecret));
    if (typeof value === "string") return isSecret ? this.#pseudonym(value, this.#lasting) : value;
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [key, this.#json(one, isSecret || isSecretKey(key))]),
    );
  }
}
