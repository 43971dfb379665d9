// The exchange a request needs: nearly always the plain one. The one place that knows both kinds.
import type { ClientSide, ListenerContext } from "../client-side.ts";
import { Exchange } from "../exchange.ts";
import type { IncomingHead } from "../incoming-head.ts";
import { CONNECT, agree } from "./agree.ts";
import { UpgradeExchange } from "./exchange.ts";

const NONE: readonly string[] = [];

/** @param startMs monotonic ms of the first byte of the head */
export function newExchange(
  client: ClientSide,
  context: ListenerContext,
  head: IncomingHead,
  startMs: number,
): Exchange {
  if (head.upgrade === "") return new Exchange(client, context, head, startMs);
  if (head.method === "CONNECT") {
    return new UpgradeExchange(client, context, { head, startMs, type: CONNECT, refused: false });
  }
  const route = context.view().routes.match(head.headers);
  const agreement = agree(head.upgrade, route?.upgrades ?? context.options.upgrades ?? NONE);
  // In HTTP/2 there is no request behind the offer that could be served instead.
  if (agreement.kind === "ignored" && head.protocol !== "HTTP/2") return new Exchange(client, context, head, startMs);
  const refused = agreement.kind !== "agreed";
  const type = refused ? head.upgrade : agreement.type;
  return new UpgradeExchange(client, context, { head, startMs, type, refused });
}
