// When a request is tried again (`retry.*` and `timeouts.perTry` of a route decision), under Envoy's words. Pure.
import type { ErrorCode } from "../base/errors.ts";

/** `retry_on` of Envoy, as far as it is done here. */
export const RETRY_ON = [
  "5xx",
  "gateway-error",
  "reset",
  "connect-failure",
  "refused-stream",
  "retriable-4xx",
  "retriable-status-codes",
] as const;
export type RetryOn = (typeof RETRY_ON)[number];

export interface RetryPolicy {
  /** Empty: never. */
  on: readonly RetryOn[];
  /** Tries after the first. */
  max: number;
  /** The pause before the nth further try is drawn below base * 2^(n-1), at most `most`, ms. */
  backoff: { readonly base: number; readonly most: number };
  /** For `retriable-status-codes`. */
  statusCodes: readonly number[];
}

/** As in Envoy. */
export const NO_RETRIES: RetryPolicy = { on: [], max: 1, backoff: { base: 25, most: 250 }, statusCodes: [] };

const CONNECT: readonly ErrorCode[] = ["upstream_connect_failure", "upstream_connect_timeout"];
/** The upstream has not answered: gone, reset, silent. */
const UNANSWERED: readonly ErrorCode[] = [
  ...CONNECT,
  "upstream_reset",
  "upstream_remote_reset",
  "upstream_protocol_error",
  "upstream_response_timeout",
];

const OF_FAILURE: Partial<Readonly<Record<RetryOn, readonly ErrorCode[]>>> = {
  "5xx": UNANSWERED,
  "gateway-error": UNANSWERED,
  reset: UNANSWERED,
  "connect-failure": CONNECT,
  "refused-stream": ["upstream_remote_reset"],
};

export function retriesFailure({ on }: RetryPolicy, code: ErrorCode): boolean {
  return on.some((word) => OF_FAILURE[word]?.includes(code) === true);
}

export function retriesStatus({ on, statusCodes }: RetryPolicy, status: number): boolean {
  return on.some((word) => {
    if (word === "5xx") return status >= 500;
    if (word === "gateway-error") return status >= 502 && status <= 504;
    if (word === "retriable-4xx") return status === 409;
    return word === "retriable-status-codes" && statusCodes.includes(status);
  });
}

/** @param tries that have been made @param fraction a random number in [0, 1) */
export function pauseMs({ backoff }: RetryPolicy, tries: number, fraction: number): number {
  return fraction * Math.min(backoff.most, backoff.base * 2 ** (tries - 1));
}
