// The `grpc-timeout` header: at most eight digits and a unit (gRPC over HTTP/2, "Requests"). Pure.

const MAX_DIGITS = 99_999_999;

/** `250m`; longer than eight digits of milliseconds in seconds, rounded up. */
export function grpcTimeout(ms: number): string {
  const whole = Math.ceil(ms);
  return whole <= MAX_DIGITS ? `${whole}m` : `${Math.min(Math.ceil(whole / 1000), MAX_DIGITS)}S`;
}
