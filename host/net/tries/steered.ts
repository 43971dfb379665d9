// The call for a request that filters have decided about: to an endpoint of their choice, with tries of their number.
import type { RouteDecision } from "../../route/decision.ts";
import { NO_RETRIES } from "../../route/tries.ts";
import type { Cluster } from "../../upstream/cluster.ts";
import { upstreamCall } from "../send-upstream.ts";
import type { OutgoingRequest, ResponseSink, UpstreamCall } from "../upstream-call.ts";
import { TriedCall } from "./call.ts";

/** @param decision null = nobody has decided anything: the ordinary call */
export function steeredCall(
  cluster: Cluster,
  sink: ResponseSink,
  outgoing: OutgoingRequest,
  decision: RouteDecision | null,
): UpstreamCall {
  if (decision === null) return upstreamCall(cluster, sink, outgoing);
  const { overrideAddr: addr, overrideStrict: strict = false, perTryTimeoutMs: perTryMs = 0, retry } = decision;
  const request = addr === undefined ? outgoing : { ...outgoing, override: { addr, strict } };
  // A tunnel cannot be tried again once it is open, and its head is read elsewhere.
  if (request.upgrade !== "" || (perTryMs === 0 && retry === undefined)) return upstreamCall(cluster, sink, request);
  return new TriedCall(cluster, sink, request, { retry: { ...NO_RETRIES, ...retry }, perTryMs });
}
