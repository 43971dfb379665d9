// The Date of answers that the proxy makes itself (RFC 9110 6.6.1), formatted once per second.

let second = -1;
let text = "";

/** @param nowMs wall clock, ms since the Unix epoch */
export function httpDate(nowMs: number): string {
  const now = Math.floor(nowMs / 1000);
  if (now !== second) {
    second = now;
    text = new Date(now * 1000).toUTCString();
  }
  return text;
}
