// The request as it goes to the upstream: request line and headers as text for HTTP/1.1, as a list for HTTP/2, and what is
// known of the length.
import { type HeaderList, firstHeader, removeHeader } from "../abi/headers.ts";
import type { ErrorCode } from "../base/errors.ts";
import { allowsAuthority, authorityEndpoint } from "../upstream/authorities.ts";
import type { Cluster } from "../upstream/cluster.ts";
import type { ClusterOptions } from "../upstream/options.ts";
import {
  checkedLines,
  declaredLength,
  isRequestLine,
  parsedLines,
  requestLine,
  withoutHop,
  type RequestLine,
  requestTarget,
} from "./http1/serialize.ts";
import { appendHeaders } from "./http2/lists.ts";
import type { Addresses } from "./proxy-protocol/addresses.ts";
import { CONNECT } from "./upgrade/agree.ts";
import type { OutgoingRequest } from "./upstream-call.ts";

export interface OutgoingOptions {
  /**
   * The list as it was parsed, when filters may have written it since: the pseudo headers are searched, and whatever is not
   * as it was is checked. Null: nobody has touched it.
   */
  readonly parsed: HeaderList | null;
  /** Host of a request that came without one (HTTP/1.0). */
  readonly authority: string;
  readonly endStream: boolean;
  readonly upload: {
    /** The client still waits for a 100, so the upstream is asked for it. */
    readonly awaitsContinue: boolean;
    /** It came with `Expect: 100-continue`. */
    readonly expectsContinue: boolean;
    /** The client takes trailers. */
    readonly acceptsTrailers: boolean;
    /** Content-Length as the client sent it, or -1. */
    readonly length: number;
    /** What the request asks to change the protocol to; "" = nothing. */
    readonly upgrade: string;
    /** Whose request it is. */
    readonly client: Addresses;
  };
}

/** Of a cluster, what decides the form of the request. */
type Target = Pick<Cluster, "tls"> & { readonly options: Pick<ClusterOptions, "http2" | "authorities"> };

const NO_LIST: HeaderList = [];

/** null: a filter has written something that is not a request head. */
export function outgoingRequest(
  headers: HeaderList,
  options: OutgoingOptions,
  cluster: Target | undefined,
): OutgoingRequest | null {
  const { parsed, upload, endStream } = options;
  const { upgrade, client } = upload;
  if (upgrade !== "") return askingFor(upgrade, headers, options, cluster);
  const checked = parsed !== null;
  // Only behind filters can time have passed since the head came, and the 100 been sent.
  if ((checked || upload.expectsContinue) && !upload.awaitsContinue && headers.includes("expect"))
    removeHeader(headers, "expect");
  const line = {
    method: checked ? (firstHeader(headers, ":method") ?? "") : (headers[1] as string),
    authority: (checked ? firstHeader(headers, ":authority") : headers[5]) || options.authority,
    path: checked ? requestTarget(firstHeader(headers, ":path") ?? "") : (headers[7] as string),
  };
  if (checked && !isSameLine(line, parsed) && !isRequestLine(line)) return null;
  const length = checked ? declaredLength(headers, upload.length) : upload.length;
  if (cluster?.options.http2 !== undefined) {
    const list = requestList(line, schemeOf(cluster));
    return appendHeaders(list, headers, parsed)
      ? { method: line.method, head: "", list, length, endStream, upgrade, client }
      : null;
  }
  // RFC 9110 10.1.4: who sends TE says so in Connection.
  const connection = upload.acceptsTrailers ? "connection: te\r\n" : "";
  const lines = checked ? checkedLines(headers, parsed) : parsedLines(headers, 8);
  if (lines === null) return null;
  const head = requestLine(line) + lines + connection;
  return { method: line.method, head, list: NO_LIST, length, endStream, upgrade, client };
}

/** A request that asks to change the protocol: in HTTP/1.1 only, and what asks is written here alone. */
function askingFor(
  upgrade: string,
  headers: HeaderList,
  { parsed, authority, upload }: OutgoingOptions,
  cluster: Target | undefined,
): OutgoingRequest | null {
  if (cluster === undefined || cluster.options.http2 !== undefined) return null;
  const { client } = upload;
  if (upgrade === CONNECT) return tunnelTo(firstHeader(headers, ":authority") ?? "", cluster.options, client);
  const line = {
    method: firstHeader(headers, ":method") ?? "",
    authority: firstHeader(headers, ":authority") || authority,
    path: firstHeader(headers, ":path") ?? "",
  };
  const lines = isRequestLine(line) ? checkedLines(withoutHop(headers), parsed ?? headers) : null;
  if (lines === null) return null;
  const head = `${requestLine(line)}${lines}connection: upgrade\r\nupgrade: ${upgrade}\r\n\r\n`;
  return { method: line.method, head, list: NO_LIST, length: -1, endStream: false, upgrade, client };
}

/** CONNECT is answered here: what leaves is only what comes behind it. */
function tunnelTo(
  authority: string,
  { authorities }: Target["options"],
  client: Addresses | null,
): OutgoingRequest | null {
  const request = {
    method: "CONNECT",
    head: "",
    list: NO_LIST,
    length: -1,
    endStream: false,
    upgrade: CONNECT,
    client,
  };
  if (authorities === undefined) return request;
  const endpoint = allowsAuthority(authorities, authority) ? authorityEndpoint(authority) : null;
  return endpoint === null ? null : { ...request, endpoint };
}

/** Why {@link outgoingRequest} gave null. */
export function unsendable({ options }: Target, upgrade: string): ErrorCode {
  if (upgrade !== "" && options.http2 !== undefined) return "upgrade_not_supported";
  return upgrade === CONNECT ? "connect_refused" : "internal_error";
}

/** `:scheme` towards a cluster. */
export const schemeOf = ({ tls }: Target): string => (tls === null ? "http" : "https");

/** The request line in HTTP/2. */
export const requestList = ({ method, path, authority }: RequestLine, scheme: string): HeaderList => [
  ":method",
  method,
  ":scheme",
  scheme,
  ":authority",
  authority,
  ":path",
  path,
];

const isSameLine = ({ method, path, authority }: RequestLine, parsed: HeaderList): boolean =>
  method === parsed[1] && path === parsed[7] && authority === parsed[5];
