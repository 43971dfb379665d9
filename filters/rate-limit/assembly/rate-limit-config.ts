// Options of the rate limit.
import { Config, Percent, Rate } from "@sluice/sdk";
import { KeySource, Match } from "@sluice/sdk/governance";
import { Plan } from "./plan";

/** Longest time for a full burst to come back: within it hosts keep the state to the nanosecond. */
const LONGEST: f64 = 100.0 * 86400.0 * 1e9;

/** A share of requests, the same ones in every filter and thread. */
@config
export class Portion extends Config {
  /** Percent of the requests, four decimals. */
  percent: Percent = Percent.of(100);
}

@config
export class RateLimitConfig extends Config {
  /** Which requests are counted; absent = all. */
  match: Match = new Match();
  /** Requests per time: `100/s`, `5/10s`, `1000/h`. Required. */
  rate: Rate | null = null;
  /** Requests that may come at once after a pause; 0 = as many as `rate` names. */
  burst: u32 = 0;
  /** Whose requests count together: `header:NAME`, `cookie:NAME`, `source` (address), `path`, `global`. */
  key: string = "global";
  /** Status of a refusal. */
  @range(400, 599)
  status: u32 = 429;
  /** Body of a refusal. */
  body: string = "rate limit exceeded\n";
  /** Sends `RateLimit` and `RateLimit-Policy`, with a refusal also `Retry-After`. */
  responseHeaders: bool = true;
  /** Requests that are counted at all. */
  filterEnabled: Portion = new Portion();
  /** Counted requests that are really refused; 0 = log-only. */
  filterEnforced: Portion = new Portion();
  /** Without access to the state: true lets requests pass, false answers 503. */
  failOpen: bool = true;
  private made: Plan | null = null;

  /** What follows from the options. */
  get plan(): Plan {
    return this.made!;
  }
  override check(): string | null {
    const rate = this.rate;
    if (rate === null) return 'at /rate: required, such as "100/s"';
    if (rate.events == 0) return "at /rate: expected at least one event, got 0";
    if (rate.periodNanos < rate.events) return "at /rate: expected at most one event per nanosecond";
    const source = KeySource.parse(this.key);
    if (source === null) {
      return 'at /key: expected header:NAME, cookie:NAME, source, path or global, got "' + this.key + '"';
    }
    const burst = this.burst ? this.burst : rate.events;
    const plan = new Plan(rate, burst, source, this.key, this.filterEnabled.percent, this.filterEnforced.percent);
    if (<f64>plan.interval * <f64>plan.burst > LONGEST) {
      return "at /burst: expected a burst that comes back within 100 days at this rate";
    }
    this.made = plan;
    return null;
  }
}
