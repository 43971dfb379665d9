// Whether a connection ends with the answer that is about to leave. Asked once per answer by Http1Connection.
import type { ListenerContext } from "../client-side.ts";
import type { Exchange } from "../exchange.ts";
import { UpgradeExchange } from "../upgrade/exchange.ts";
import type { RequestReader } from "./request-reader.ts";

/** A request body not longer than this is read to its end rather than closing the connection after an early answer. */
const DRAINABLE_BYTES = 64 * 1024;

/** @param requests on this connection, this one included */
export function mustClose(
  { draining, options }: ListenerContext,
  reader: RequestReader,
  exchange: Exchange,
  requests: number,
): boolean {
  const { maxRequestsPerConnection: most } = options.limits;
  if (draining || reader.head.close || reader.closed || (most > 0 && requests >= most)) return true;
  // What follows may have been meant for another protocol.
  if (exchange instanceof UpgradeExchange) return true;
  return !reader.complete && (reader.bodyLeft > DRAINABLE_BYTES || exchange.bodyMayNotCome);
}
