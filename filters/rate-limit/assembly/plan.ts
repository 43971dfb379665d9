// What a configuration of the rate limit comes to: computed once, so that a request only looks things up.
import { formatInt, Percent, Rate } from "@sluice/sdk";
import { KeySource, Share } from "@sluice/sdk/governance";
import { intervalOf, Limiter } from "./limiter";

const SECOND: u64 = 1000000000;

export class Plan {
  /** Nanoseconds one request costs. */
  interval: u64;
  burst: u32;
  /** Value of `RateLimit-Policy`. */
  policy: string;
  limiter: Limiter;
  enabled: Share;
  enforced: Share;

  constructor(
    rate: Rate,
    burst: u32,
    public source: KeySource,
    key: string,
    enabled: Percent,
    enforced: Percent,
  ) {
    const interval = intervalOf(rate);
    // Limits that differ must not share a word of state: a route's own rate, or a new one after a reload.
    const limits = digits(interval) + "/" + digits(burst) + "/" + key + "|";
    this.limiter = new Limiter(interval, burst, limits);
    this.interval = interval;
    this.burst = burst;
    this.policy = policyOf(rate);
    this.enabled = new Share(enabled, "rate-limit.enabled");
    this.enforced = new Share(enforced, "rate-limit.enforced");
  }
}

/** `"default";q=100;w=1`. Windows are whole seconds, so the quota of half a second counts twice. */
function policyOf(rate: Rate): string {
  const seconds = (rate.periodNanos + SECOND - 1) / SECOND;
  const quota = <u64>(<f64>rate.events * (<f64>(seconds * SECOND) / <f64>rate.periodNanos));
  return '"default";q=' + digits(quota) + ";w=" + digits(seconds);
}

function digits(value: u64): string {
  return formatInt(value).toString();
}
