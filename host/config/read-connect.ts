// `connect:` of a route: tunnels to what the client names. Such a route forwards to a cluster of its own that has no endpoints
// but a list of what may be named; its name has brackets, so that no cluster of the file can have it.
import type { RouteAction } from "../route/options.ts";
import type { ClusterOptions } from "../upstream/options.ts";
import type { Reader } from "./reader.ts";

const clusterName = (listener: string, route: Reader): string => `(connect ${listener}/${route.get("name").text()})`;

export function readConnect(route: Reader, listener: string): RouteAction {
  if (!route.get("match").get("connect").isPresent) {
    route.get("connect").problem("needs_connect", '"connect" is for routes with match: { connect: true }', {
      at: "key",
      hint: "other requests have no authority to tunnel to",
    });
  }
  return { kind: "forward", clusters: [{ cluster: clusterName(listener, route), weight: 1 }] };
}

/** The clusters of all routes with `connect`. */
export function connectClusters(root: Reader): readonly ClusterOptions[] {
  return root.get("listeners").items.flatMap((listener) =>
    listener
      .get("routes")
      .items.filter((route) => route.get("connect").isPresent)
      .map((route) => ({
        name: clusterName(listener.get("name").text(), route),
        lbPolicy: "leastRequest" as const,
        endpoints: [],
        authorities: route
          .get("connect")
          .get("authorities")
          .strings()
          .map((one) => one.toLowerCase()),
        connectTimeoutMs: 5000,
        idleTimeoutMs: 60_000,
        maxConnections: 1024,
        maxPendingRequests: 1024,
      })),
  );
}
