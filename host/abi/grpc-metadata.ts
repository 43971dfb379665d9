// What a filter may send as gRPC metadata, and where a call goes (gRPC over HTTP/2, "Requests"). Pure.
import * as maps from "../../sdk/assembly/abi/map.ts";
import { checkHeaderWrite } from "./header-rules.ts";
import type { HeaderList } from "./headers.ts";
import { MAX_HEADER_BYTES, MAX_HEADERS } from "./limits.ts";

/** Written by the host alone; a guest's own are dropped, as hop-by-hop names are. */
const OWN = new Set(["content-type", "content-length", "te", "grpc-timeout", "grpc-encoding", "grpc-accept-encoding"]);
/** Visible characters, blanks, and bytes beyond ASCII. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const PATH_PART = /^[!-~]+$/;

/** Lower-cased and without the protocol's own names, or null when a pair is refused. */
export function checkedMetadata(pairs: HeaderList): HeaderList | null {
  const kept: HeaderList = [];
  let bytes = 0;
  for (let at = 0; at < pairs.length; at += 2) {
    const name = (pairs[at] as string).toLowerCase();
    const value = (pairs[at + 1] as string).trim();
    const verdict = checkHeaderWrite(maps.GRPC_CALL_INITIAL_METADATA, name, value);
    if (verdict === "refused" || !VALUE.test(value)) return null;
    if (verdict === "ignored" || OWN.has(name)) continue;
    bytes += name.length + value.length;
    kept.push(name, value);
  }
  return bytes <= MAX_HEADER_BYTES && kept.length <= MAX_HEADERS * 2 ? kept : null;
}

/** `/package.Service/Method`, or null when that is no path. */
export function grpcPath(service: string, method: string): string | null {
  return PATH_PART.test(service) && PATH_PART.test(method) && !method.includes("/") ? `/${service}/${method}` : null;
}
