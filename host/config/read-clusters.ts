// `clusters:` of a config -> ClusterOptions.
import type { ClusterOptions, EndpointOptions } from "../upstream/options.ts";
import { readAddress } from "./address.ts";
import type { Files } from "./pem-files.ts";
import { readClusterHttp2 } from "./read-http2.ts";
import type { Reader } from "./reader.ts";
import { readClientTls } from "./read-tls.ts";

function readEndpoint(reader: Reader): EndpointOptions {
  const at = reader.get("address");
  const address = readAddress(at, { host: "", port: 1 });
  if (address.port === 0) at.problem("bad_address", "an endpoint needs a port above 0");
  return {
    ...address,
    labels: reader.get("labels").record(),
    zone: reader.get("zone").text(),
    weight: reader.get("weight").number(1),
  };
}

function readProxyHeader(cluster: Reader): Pick<ClusterOptions, "proxyProtocol"> {
  const reader = cluster.get("proxyProtocol");
  if (!reader.isPresent) return {};
  if (cluster.get("http2").isPresent) {
    reader.problem("proxy_protocol_over_http2", "over HTTP/2 requests of several clients share a connection", {
      at: "key",
      hint: "remove http2, or tell the servers by x-forwarded-for",
    });
  }
  return { proxyProtocol: reader.oneOf(["v1", "v2"], "v2") };
}

/** One cluster, defaults filled in. */
export function readCluster(reader: Reader, files: Files): ClusterOptions {
  const tls = readClientTls(reader.get("tls"), files);
  const thresholds = reader.get("circuitBreakers").get("thresholds");
  return {
    name: reader.get("name").text(),
    lbPolicy: reader.get("lbPolicy").oneOf(["roundRobin", "leastRequest", "random"], "leastRequest"),
    endpoints: reader.get("endpoints").items.map(readEndpoint),
    connectTimeoutMs: reader.get("connectTimeout").durationMs(5000),
    idleTimeoutMs: reader.get("idleTimeout").durationMs(60_000),
    maxConnections: thresholds.get("maxConnections").number(1024),
    maxPendingRequests: thresholds.get("maxPendingRequests").number(1024),
    ...(tls === undefined ? {} : { tls }),
    ...readProxyHeader(reader),
    ...readClusterHttp2(reader, thresholds.get("maxRequests")),
  };
}
