// The answer to what never became an exchange: its bytes, its metrics and its line in the access log.
import { ERRORS, type ErrorCode } from "../../base/errors.ts";
import type { LocalReply } from "../../chain/ports.ts";
import type { ListenerContext } from "../client-side.ts";
import { type ConnectionFacts, ExchangeFacts, type RequestSummary } from "../facts.ts";
import { httpDate } from "../http-date.ts";
import { toLocalReply } from "../rescue.ts";
import { turnTimeMs } from "../turn.ts";
import { statusLine } from "./reasons.ts";
import { parsedLines } from "./serialize.ts";

/** How long a closed connection is still read, so that the client gets our answer before a reset (RFC 9112 9.6). */
export const LINGER_MS = 1000;

/** Nothing of a refused head is trusted, not even for the log. */
export const NO_REQUEST: RequestSummary = { method: "", path: "", authority: "", userAgent: "" };

export interface Refusal {
  readonly code: ErrorCode;
  readonly sentence?: string | undefined;
  /** Monotonic ms of the first byte. */
  readonly startMs: number;
  /** The request, when its head was good. */
  readonly request?: RequestSummary;
}

/** Writes a refusal down. Gives the whole answer, which ends the connection. */
export function refuse(connection: ConnectionFacts, context: ListenerContext, refusal: Refusal): string {
  const { clock, metrics, view, wheel } = context;
  const { code, sentence, startMs, request = NO_REQUEST } = refusal;
  const { status, flag } = ERRORS[code];
  const nowMs = turnTimeMs(clock);
  const facts = new ExchangeFacts(connection, wheel.wallMs(startMs));
  facts.durationMs = nowMs - startMs;
  facts.responseCode = status;
  facts.responseCodeDetails = code;
  facts.addFlag(flag);
  metrics.finished(facts);
  view().finished(facts, request);
  return refusalText(toLocalReply(code, sentence), wheel.wallMs(nowMs), request.method);
}

/** The reply's body is ASCII. */
function refusalText({ status, headers, body }: LocalReply, nowMs: number, method: string): string {
  const head = `${statusLine(status)}${parsedLines(headers, 0)}date: ${httpDate(nowMs)}\r\n`;
  return `${head}connection: close\r\ncontent-length: ${body.length}\r\n\r\n${method === "HEAD" ? "" : body.toString()}`;
}
