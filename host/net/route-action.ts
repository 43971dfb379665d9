// What a matched route says is to be done.
import { type HeaderList, replaceHeader } from "../abi/headers.ts";
import { fnv1a32 } from "../base/hash.ts";
import type { LocalReply } from "../chain/ports.ts";
import type { RouteDecision } from "../route/decision.ts";
import type { RouteAction } from "../route/options.ts";
import type { ExchangeDeadlines } from "./exchange-deadlines.ts";
import { pickCluster } from "../route/table.ts";

/**
 * The cluster of this request, or "" when the route answers by itself. Weights are drawn by a hash of the request id, so
 * that every hop and every replay decides alike (governance.md 2).
 */
export function clusterOf(action: RouteAction, requestId: string): string {
  if (action.kind !== "forward") return "";
  const { clusters } = action;
  return pickCluster(clusters, clusters.length < 2 ? 0 : fnv1a32(requestId) / 0x1_0000_0000);
}

/** The answer of a route that has no upstream. */
export function directReply(action: { readonly status: number; readonly body: string }): LocalReply {
  const headers = action.body === "" ? [] : ["content-type", "text/plain; charset=utf-8"];
  return { status: action.status, details: "direct_response", body: action.body, headers, grpcStatus: -1 };
}

/** Lays what filters decided over the matched route. The request is about to leave. */
export function steer(
  decision: RouteDecision,
  headers: HeaderList,
  { facts, deadlines }: { readonly facts: { clusterName: string }; readonly deadlines: ExchangeDeadlines },
): void {
  const { cluster, routeTimeoutMs, idleTimeoutMs, hostRewrite, pathRewrite } = decision;
  if (cluster !== undefined) facts.clusterName = cluster;
  if (routeTimeoutMs !== undefined) deadlines.routeChosen(routeTimeoutMs);
  if (idleTimeoutMs !== undefined) deadlines.idleTimeoutChosen(idleTimeoutMs);
  if (hostRewrite !== undefined) replaceHeader(headers, ":authority", hostRewrite);
  if (pathRewrite !== undefined) replaceHeader(headers, ":path", pathRewrite);
}
