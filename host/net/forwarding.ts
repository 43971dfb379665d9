// Who a request is from, when other proxies stand between the client and us, and what the upstream is told of it: Envoy's
// use_remote_address and xff_num_trusted_hops, plus a list of the proxies that are believed. For listeners with `forwarding`;
// the others do as forwarded.ts says. Called once per request.
//
//   x-forwarded-for: <whatever the client said>, client, proxy 1, proxy 2   + the peer's own address
//   useRemoteAddress, 2 hops:                    ^ from the right end, counted before the peer is added
import { isIP } from "node:net";
import { type HeaderList, joinedHeader, removeHeader } from "../abi/headers.ts";
import { AddressList } from "./address-list.ts";
import type { ExchangeFacts } from "./facts.ts";
import type { IncomingHead } from "./incoming-head.ts";
import type { ForwardingOptions } from "./options.ts";
import { type RequestIds, isRequestId } from "./request-id.ts";

/** What a client that is not believed may not say. */
const CLAIMS = [
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-real-ip",
  "forwarded",
  "x-request-id",
] as const;

export class Forwarding {
  readonly #options: ForwardingOptions;
  readonly #proxies: AddressList | null;

  constructor(options: ForwardingOptions) {
    this.#options = options;
    this.#proxies = options.trustedProxies.length === 0 ? null : new AddressList(options.trustedProxies);
  }

  /** Sets the client in `facts` and the fields in the request's list. */
  apply({ headers, authority }: IncomingHead, facts: ExchangeFacts, ids: RequestIds): void {
    const { useRemoteAddress, xffNumTrustedHops: hops, preserveExternalRequestId } = this.#options;
    const peer = facts.sourceAddress;
    const isKnown = this.#proxies === null || this.#proxies.has(peer);
    if (!isKnown) for (const name of CLAIMS) removeHeader(headers, name);
    // Without useRemoteAddress the peer is a proxy of ours that is not counted.
    const depth = useRemoteAddress ? hops : hops + 1;
    const isTrusted = isKnown && depth > 0;
    const list = joinedHeader(headers, "x-forwarded-for") ?? "";
    const client = isTrusted ? nthFromRight(list, depth) : "";
    if (client !== "") from(facts, client);
    if (useRemoteAddress) set(headers, "x-forwarded-for", list === "" ? peer : `${list}, ${peer}`);
    const scheme = joinedHeader(headers, "x-forwarded-proto") ?? "";
    if (!isTrusted || !/^https?$/.test(scheme)) set(headers, "x-forwarded-proto", facts.scheme);
    const id = joinedHeader(headers, "x-request-id") ?? "";
    const isKept = (isTrusted || preserveExternalRequestId) && isRequestId(id);
    facts.requestId = isKept ? id : ids.next();
    set(headers, "x-request-id", facts.requestId);
    this.#forwarded(headers, { peer, authority, scheme: facts.scheme });
  }

  /** RFC 7239. */
  #forwarded(headers: HeaderList, hop: Hop): void {
    const { forwarded } = this.#options;
    if (forwarded === "keep") return;
    const given = joinedHeader(headers, "forwarded") ?? "";
    removeHeader(headers, "forwarded");
    if (forwarded === "append") headers.push("forwarded", given === "" ? element(hop) : `${given}, ${element(hop)}`);
  }
}

interface Hop {
  readonly peer: string;
  readonly authority: string;
  readonly scheme: string;
}

/** RFC 7239 6: an IPv6 address has brackets, and with them quotes. */
function element({ peer, authority, scheme }: Hop): string {
  const node = peer.includes(":") ? `"[${peer}]"` : peer === "" ? "unknown" : peer;
  const host = authority === "" ? "" : `;host="${authority}"`;
  return `for=${node}${host};proto=${scheme}`;
}

function from(facts: ExchangeFacts, client: string): void {
  facts.peerAddress = facts.sourceAddress;
  facts.peerPort = facts.sourcePort;
  facts.sourceAddress = client;
  // Nobody says.
  facts.sourcePort = 0;
}

function set(headers: HeaderList, name: string, value: string): void {
  removeHeader(headers, name);
  headers.push(name, value);
}

/**
 * The address at `place` from the right end, 1 = the last; "" when there are fewer, or it is none. Looks at no more of the
 * list than that: how long it is, is the client's doing.
 */
export function nthFromRight(list: string, place: number): string {
  let end = list.length;
  for (let left = place; left > 1; left--) {
    end = list.lastIndexOf(",", end - 1);
    if (end <= 0) return "";
  }
  return addressIn(list.slice(list.lastIndexOf(",", end - 1) + 1, end).trim());
}

/** Some proxies add the port. */
function addressIn(text: string): string {
  const [, bracketed, plain] = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::\d{1,5})?$/.exec(text) ?? [];
  const address = bracketed ?? plain ?? text;
  return isIP(address) === 0 || address.includes("%") ? "" : address;
}
