// The choice of the protocol towards a cluster: the one place that knows both.
import type { Cluster } from "../upstream/cluster.ts";
import { Http2Request } from "./http2/request.ts";
import { UpgradeCall } from "./upgrade/call.ts";
import type { OutgoingRequest, ResponseSink, UpstreamCall } from "./upstream-call.ts";
import { UpstreamRequest } from "./upstream-request.ts";

/** A request that has not been sent yet; `start` sends it. */
export function upstreamCall(cluster: Cluster, sink: ResponseSink, request: OutgoingRequest): UpstreamCall {
  if (request.upgrade !== "") return new UpgradeCall(cluster, sink, request);
  return cluster.options.http2 === undefined
    ? new UpstreamRequest(cluster, sink, request)
    : new Http2Request(cluster, sink, request);
}
