// Between node:http2's header arrays and the host's flat lists. Pure.
import type { HeaderList } from "../../abi/headers.ts";
import { grpcTimeout } from "./timeout.ts";
import type { GrpcRequest } from "../../plugin/grpc-port.ts";

/** The head of a call, pseudo headers first. `:authority` is the cluster's name, as Envoy sends it. */
export function requestHead({ cluster, path, metadata, timeoutMs }: GrpcRequest, scheme = "http"): string[] {
  const head = [":method", "POST", ":scheme", scheme, ":path", path, ":authority", cluster];
  head.push("te", "trailers", "content-type", "application/grpc");
  if (timeoutMs > 0) head.push("grpc-timeout", grpcTimeout(timeoutMs));
  return head.concat(metadata);
}

/** What a guest may see of a head or of trailers: everything but pseudo headers, in the order it came. */
export function metadataOf(raw: readonly string[]): HeaderList {
  const list: HeaderList = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] as string;
    if (name.charCodeAt(0) !== 58) list.push(name, raw[at + 1] as string);
  }
  return list;
}
