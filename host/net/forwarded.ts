// What a proxy adds to a request: who asked, over what, and a name for the exchange. Envoy's defaults for a proxy that is
// not the edge, for listeners without `forwarding`: x-forwarded-for is appended to, x-forwarded-proto and x-request-id are kept when they make sense.
import type { ListenerContext } from "./client-side.ts";
import type { ExchangeFacts } from "./facts.ts";
import type { IncomingHead } from "./incoming-head.ts";
import { isRequestId } from "./request-id.ts";

export function addForwarded(
  head: IncomingHead,
  facts: ExchangeFacts,
  { requestIds: ids, forwarding }: Pick<ListenerContext, "requestIds" | "forwarding">,
): void {
  if (forwarding !== null) return forwarding.apply(head, facts, ids);
  const { headers } = head;
  const { requestIdAt, forwardedForAt, forwardedProtoAt } = head;
  const given = requestIdAt < 0 ? "" : (headers[requestIdAt + 1] as string);
  facts.requestId = isRequestId(given) ? given : ids.next();
  if (forwardedForAt < 0) headers.push("x-forwarded-for", facts.sourceAddress);
  else headers[forwardedForAt + 1] = appended(headers[forwardedForAt + 1] as string, facts.sourceAddress);
  if (forwardedProtoAt < 0) headers.push("x-forwarded-proto", facts.scheme);
  else if (!isScheme(headers[forwardedProtoAt + 1] as string)) headers[forwardedProtoAt + 1] = facts.scheme;
  if (requestIdAt < 0) headers.push("x-request-id", facts.requestId);
  else headers[requestIdAt + 1] = facts.requestId;
}

const appended = (list: string, address: string): string => (list === "" ? address : `${list}, ${address}`);

const isScheme = (value: string): boolean => value === "http" || value === "https";
