// What the Connection header says (RFC 9110 7.6.1): whether the connection stays, and which further headers are hop-by-hop.
import { removeHeader, type HeaderList } from "../../abi/headers.ts";
import { isToken } from "./chars.ts";
import type { Rejection } from "./rejection.ts";

/** Nominating these would take away what frames, routes or authenticates the message: an attack, not a hop. */
const NOT_HOP: ReadonlySet<string> = new Set([
  "authorization",
  "content-length",
  "cookie",
  "host",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-request-id",
]);
/** Options with a meaning of their own, or names that are dropped anyway. */
const KNOWN: ReadonlySet<string> = new Set(["close", "keep-alive", "te", "transfer-encoding", "http2-settings"]);

export class ConnectionOptions {
  close = false;
  keepAlive = false;
  /** The sender wants what Upgrade says. */
  upgrade = false;
  #nominated: string[] | null = null;

  reset(): void {
    this.close = false;
    this.keepAlive = false;
    this.upgrade = false;
    this.#nominated = null;
  }

  /** One Connection header; there may be several. */
  add(value: string): Rejection | null {
    // The two values that make up nearly all traffic.
    if (value === "keep-alive") this.keepAlive = true;
    else if (value === "close") this.close = true;
    else return this.#addList(value.toLowerCase());
    return null;
  }

  /** True when there are headers to take out of the list. */
  get nominates(): boolean {
    return this.#nominated !== null;
  }

  removeNominated(list: HeaderList): void {
    for (const name of this.#nominated ?? []) removeHeader(list, name);
  }

  #addList(value: string): Rejection | null {
    for (const part of value.split(",")) {
      const option = part.trim();
      if (option === "") continue;
      if (!isToken(option) || NOT_HOP.has(option)) return "bad_connection";
      if (option === "close") this.close = true;
      else if (option === "keep-alive") this.keepAlive = true;
      else if (option === "upgrade") this.upgrade = true;
      else if (!KNOWN.has(option)) (this.#nominated ??= []).push(option);
    }
    return null;
  }
}
