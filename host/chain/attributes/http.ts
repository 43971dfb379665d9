// The attributes `request.*` and `response.*` (abi.md 10.1).
import { firstHeader } from "../../abi/headers.ts";
import { encodePairs } from "../../abi/pairs.ts";
import { encodeInt } from "../../abi/property-path.ts";
import { flagBits } from "./flags.ts";
import {
  type Attributes,
  atEnd,
  bytesOf,
  headerText,
  int,
  nanos,
  ofRequest,
  type PropertySource,
  text,
} from "./read.ts";

const target = ({ request }: PropertySource): string =>
  (request === null ? undefined : firstHeader(request, ":path")) ?? "";

export const REQUEST: Attributes = {
  path: ofRequest(":path"),
  url_path: text((source) => target(source).split("?", 1)[0]),
  query: text((source) => target(source).split("?").slice(1).join("?")),
  host: ofRequest(":authority"),
  scheme: ofRequest(":scheme"),
  method: ofRequest(":method"),
  referer: ofRequest("referer"),
  useragent: ofRequest("user-agent"),
  id: text(({ facts }) => facts.requestId),
  protocol: text(({ facts }) => facts.protocol),
  time: ({ facts }) => encodeInt(facts.startNanos),
  headers: ({ request }, [name]) => {
    if (name !== undefined) return headerText(request, name);
    return request === null ? null : encodePairs(request);
  },
  headers_bytes: int(({ request }) => bytesOf(request)),
  duration: atEnd(({ facts }) => encodeInt(nanos(facts.durationMs))),
  size: atEnd(int(({ facts }) => facts.requestBytes)),
  total_size: atEnd(int(({ facts, request }) => facts.requestBytes + bytesOf(request))),
};

/** Known from the upstream's head on; `facts` learn it when the head leaves for the client. */
function responseCode({ facts, response }: PropertySource): number | null {
  const code = facts.responseCode || Number(response === null ? 0 : firstHeader(response, ":status"));
  return code > 0 ? code : null;
}

export const RESPONSE: Attributes = {
  code: int(responseCode),
  code_details: text(({ facts }) => facts.responseCodeDetails),
  flags: int(({ facts }) => flagBits(facts.responseFlags)),
  grpc_status: int(({ responseTrailers, response }) => {
    const value = firstHeader(responseTrailers ?? [], "grpc-status") ?? firstHeader(response ?? [], "grpc-status");
    return value !== undefined && /^\d{1,10}$/.test(value) ? Number(value) : null;
  }),
  headers: ({ response }, [name]) => {
    if (name !== undefined) return headerText(response, name);
    return response === null ? null : encodePairs(response);
  },
  headers_bytes: int(({ response }) => (response === null ? null : bytesOf(response))),
  trailers: ({ responseTrailers }, [name]) => {
    if (name !== undefined) return headerText(responseTrailers, name);
    return responseTrailers === null ? null : encodePairs(responseTrailers);
  },
  size: atEnd(int(({ facts }) => facts.responseBytes)),
  total_size: atEnd(int(({ facts, response }) => facts.responseBytes + bytesOf(response))),
  backend_latency: atEnd(({ facts }) => encodeInt(nanos(facts.upstreamMs))),
};
