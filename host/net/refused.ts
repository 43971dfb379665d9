// The record of what never became a request: it is counted and logged like one. Called by the protocols when a head breaks
// their rules or does not come in time.
import { ERRORS, type ErrorCode } from "../base/errors.ts";
import type { ListenerContext } from "./client-side.ts";
import { type ConnectionFacts, ExchangeFacts, type RequestSummary } from "./facts.ts";
import { turnTimeMs } from "./turn.ts";

/** Nothing of a refused head is trusted, not even for the log. */
export const NO_REQUEST: RequestSummary = { method: "", path: "", authority: "", userAgent: "" };

export interface Refused {
  readonly code: ErrorCode;
  readonly protocol?: string;
  /** Monotonic ms of the first byte of the head; -1 = this moment. */
  readonly startMs: number;
  /** The request, when its head was good. */
  readonly request?: RequestSummary | undefined;
}

export function recordRefused(context: ListenerContext, connection: ConnectionFacts, refused: Refused): void {
  const { clock, metrics, view, wheel } = context;
  const { status, flag } = ERRORS[refused.code];
  const nowMs = turnTimeMs(clock);
  const startMs = refused.startMs < 0 ? nowMs : refused.startMs;
  const facts = new ExchangeFacts(connection, wheel.wallMs(startMs));
  facts.protocol = refused.protocol ?? "";
  facts.durationMs = nowMs - startMs;
  facts.responseCode = status;
  facts.responseCodeDetails = refused.code;
  facts.addFlag(flag);
  metrics.finished(facts);
  view().finished(facts, refused.request ?? NO_REQUEST);
}
