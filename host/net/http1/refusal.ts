// The answer to what never became an exchange: its bytes, its metrics and its line in the access log.
import type { LocalReply } from "../../chain/ports.ts";
import type { ListenerContext } from "../client-side.ts";
import type { ConnectionFacts, RequestSummary } from "../facts.ts";
import { httpDate } from "../http-date.ts";
import { type Refused, recordRefused } from "../refused.ts";
import { toLocalReply } from "../rescue.ts";
import { turnTimeMs } from "../turn.ts";
import { statusLine } from "./reasons.ts";
import { parsedLines } from "./serialize.ts";

/** A request body not longer than this is read to its end rather than closing the connection after an early answer. */
export const DRAINABLE_BYTES = 64 * 1024;
/** How long a closed connection is still read, so that the client gets our answer before a reset (RFC 9112 9.6). */
export const LINGER_MS = 1000;

/** A head is lent: what a record needs of it. */
export const summaryOf = ({ method, path, authority, userAgent }: RequestSummary): RequestSummary => ({
  method,
  path,
  authority,
  userAgent,
});

export interface Refusal extends Refused {
  readonly sentence?: string | undefined;
}

/** Writes a refusal down. Gives the whole answer, which ends the connection. */
export function refuse(connection: ConnectionFacts, context: ListenerContext, refusal: Refusal): string {
  const { code, sentence, request } = refusal;
  recordRefused(context, connection, refusal);
  const nowMs = context.wheel.wallMs(turnTimeMs(context.clock));
  return refusalText(toLocalReply(code, sentence), nowMs, request?.method);
}

/** The reply's body is ASCII. */
function refusalText({ status, headers, body }: LocalReply, nowMs: number, method = ""): string {
  const head = `${statusLine(status)}${parsedLines(headers, 0)}date: ${httpDate(nowMs)}\r\n`;
  return `${head}connection: close\r\ncontent-length: ${body.length}\r\n\r\n${method === "HEAD" ? "" : body.toString()}`;
}
