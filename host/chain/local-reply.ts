// An answer made by the proxy, as a response head. gRPC clients get HTTP 200 with grpc-status and grpc-message
// (gRPC over HTTP/2, "Responses"; the mapping is Envoy's).
import { findHeader, firstHeader, type HeaderList } from "../abi/headers.ts";
import { checkHeaderWrite } from "../abi/header-rules.ts";
import * as maps from "../../sdk/assembly/abi/map.ts";
import type { LocalReply } from "./ports.ts";

const GRPC_STATUS: Readonly<Record<number, number>> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  429: 14,
  502: 14,
  503: 14,
  504: 14,
};
const GRPC_UNKNOWN = 2;

export interface ReplyMessage {
  readonly headers: HeaderList;
  readonly body: Buffer;
}

/** Whether a request with this list is a gRPC call: `application/grpc`, `application/grpc+proto`, not grpc-web. */
export function isGrpc(request: HeaderList): boolean {
  const type = firstHeader(request, "content-type");
  return type !== undefined && /^application\/grpc(?:$|[+;])/.test(type);
}

export function buildReply(reply: LocalReply, request: HeaderList | null): ReplyMessage {
  const body = typeof reply.body === "string" ? Buffer.from(reply.body) : reply.body;
  if (request !== null && isGrpc(request)) return grpcReply(reply, body);
  const headers: HeaderList = [":status", String(reply.status)];
  appendPlain(headers, reply.headers);
  if (body.length > 0 && findHeader(headers, "content-type") < 0)
    headers.push("content-type", "text/plain; charset=utf-8");
  return { headers, body };
}

function grpcReply(reply: LocalReply, body: Buffer): ReplyMessage {
  const code = reply.grpcStatus >= 0 ? reply.grpcStatus : (GRPC_STATUS[reply.status] ?? GRPC_UNKNOWN);
  const headers: HeaderList = [":status", "200", "content-type", "application/grpc", "grpc-status", String(code)];
  if (body.length > 0) headers.push("grpc-message", encodeURIComponent(body.toString("utf8")).slice(0, 1024));
  appendPlain(headers, reply.headers);
  return { headers, body: Buffer.alloc(0) };
}

/** Framing is the exchange's business, so lengths and hop-by-hop names a guest put in are left out. */
function appendPlain(into: HeaderList, headers: HeaderList): void {
  for (let at = 0; at < headers.length; at += 2) {
    const name = (headers[at] as string).toLowerCase();
    const value = headers[at + 1] as string;
    const plain = name !== "content-length" && name.charCodeAt(0) !== 58;
    if (plain && checkHeaderWrite(maps.HTTP_RESPONSE_HEADERS, name, value) === "ok") into.push(name, value);
  }
}

const NOT_IN_DETAILS = /[\s\p{Cc}"\\]/gu;
const MAX_DETAILS = 256;

/** A filter's reason for its answer as one word of a log line: nothing that ends the word, and not megabytes. */
export const detailsWord = (details: string): string => details.slice(0, MAX_DETAILS).replaceAll(NOT_IN_DETAILS, "_");
