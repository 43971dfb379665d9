// The answer to a stream that never becomes an exchange: its bytes, its metrics and its line in the access log. As
// http1/refusal.ts, for ServerStream.
import type { HeaderList } from "../../abi/headers.ts";
import type { ErrorCode } from "../../base/errors.ts";
import { buildReply, isGrpc } from "../../chain/local-reply.ts";
import type { ListenerContext } from "../client-side.ts";
import { type ConnectionFacts, summaryOf } from "../facts.ts";
import { REJECTIONS, type Rejection } from "../http1/rejection.ts";
import type { IncomingHead } from "../incoming-head.ts";
import { recordRefused } from "../refused.ts";
import { plainReply, toLocalReply } from "../rescue.ts";

export interface WholeAnswer {
  readonly headers: HeaderList;
  readonly body: Buffer;
}

/** Of a head that breaks the rules: nothing of it is looked at. */
export function rejected(context: ListenerContext, connection: ConnectionFacts, rejection: Rejection): WholeAnswer {
  const { code, sentence } = REJECTIONS[rejection];
  context.metrics.rejected(rejection);
  recordRefused(context, connection, { code, protocol: "HTTP/2", startMs: -1 });
  return plainReply(toLocalReply(code, sentence));
}

/** There is too much to do for one more request. */
export function turnedAway(
  context: ListenerContext,
  connection: ConnectionFacts,
  code: ErrorCode,
  head: IncomingHead,
): WholeAnswer {
  context.metrics.rejected(code);
  recordRefused(context, connection, { code, protocol: "HTTP/2", startMs: -1, request: summaryOf(head) });
  const reply = toLocalReply(code);
  return isGrpc(head.headers) ? buildReply(reply, head.headers) : plainReply(reply);
}
