// Refuses requests beyond a rate, per key. The algorithm and where its state lives: limiter.ts.
import { Bytes, Counter, Flow, HttpFilter, PairsBuilder, RequestHead, ResponseHead } from "@sluice/sdk";
import { Line } from "@sluice/sdk/governance";
import { RateLimitConfig } from "./rate-limit-config";

const allowed = new Counter("allowed");
const limited = new Counter("limited");
const enforced = new Counter("enforced");
const errors = new Counter("errors");
const line = new Line();

export class RateLimit extends HttpFilter {
  /** The response shall tell what is left. */
  private told: bool = false;
  private remaining: u32 = 0;

  constructor(private config: RateLimitConfig) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    const plan = this.config.plan;
    if (!this.config.match.test(request) || !plan.enabled.takesRequest(this)) return Flow.Continue;
    const key = plan.source.read(this);
    const limiter = plan.limiter;
    limiter.take(key ? key : Bytes.at(0, 0));
    if (limiter.failed) return this.withoutState();
    if (limiter.allowed) allowed.add();
    else limited.add();
    // Log-only counts, and is not to be seen by clients in any way.
    if (!plan.enforced.takesRequest(this)) return Flow.Continue;
    if (!limiter.allowed) return this.refuse(limiter.retryAfterNanos);
    this.told = this.config.responseHeaders;
    this.remaining = limiter.remaining;
    return Flow.Continue;
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    if (!this.told) return Flow.Continue;
    const plan = this.config.plan;
    const missing = <u64>(plan.burst - this.remaining) * plan.interval;
    response.headers.set("ratelimit-policy", plan.policy);
    response.headers.setBytes("ratelimit", state(this.remaining, secondsUp(missing)));
    return Flow.Continue;
  }

  private refuse(retryAfterNanos: u64): Flow {
    enforced.add();
    const config = this.config;
    if (!config.responseHeaders) return this.reply(config.status, config.body, null, "rate_limited");
    const seconds = secondsUp(retryAfterNanos);
    const headers = new PairsBuilder().addBytes("retry-after", line.start().int(seconds).done());
    headers.add("ratelimit-policy", config.plan.policy).addBytes("ratelimit", state(0, seconds));
    return this.reply(config.status, config.body, headers, "rate_limited");
  }
  private withoutState(): Flow {
    errors.add();
    if (this.config.failOpen) return Flow.Continue;
    return this.reply(503, "rate limit state is not available\n", null, "rate_limit_state_unavailable");
  }
}

/** Whole seconds, up: a client that comes back then is let in. */
function secondsUp(nanos: u64): u64 {
  return (nanos + 999999999) / 1000000000;
}

/** `"default";r=7;t=2` (draft-ietf-httpapi-ratelimit-headers-11, section 4). */
function state(remaining: u32, seconds: u64): Bytes {
  return line.start().text('"default";r=').int(remaining).text(";t=").int(seconds).done();
}
