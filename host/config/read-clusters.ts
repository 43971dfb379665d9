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
    ...readClusterHttp2(reader, thresholds.get("maxRequests")),
  };
}
