// Options of the fault filter.
import { Config, Duration, Percent } from "@sluice/sdk";
import { Match, Share } from "@sluice/sdk/governance";

@config
export class DelayConfig extends Config {
  /** How long the request is held; 0 = none. */
  @range("0ms", "60s")
  fixed: Duration = Duration.of("0ms");
  /** Percent of the requests, four decimals; in header mode of those that ask for it. */
  percent: Percent = Percent.of(100);
}

@config
export class AbortConfig extends Config {
  /** Status of the answer, 200-599; 0 = none. */
  @range(0, 599)
  status: u32 = 0;
  /** Percent of the requests, four decimals; in header mode of those that ask for it. */
  percent: Percent = Percent.of(100);
  /** Body of the answer. */
  body: string = "fault filter abort";

  override check(): string | null {
    return this.status && this.status < 200 ? "status: expected 200-599, or 0 for none" : null;
  }
}

@config
export class FaultConfig extends Config {
  /** Which requests may be hit; absent = all. */
  match: Match = new Match();
  /** Holds requests back. */
  delay: DelayConfig = new DelayConfig();
  /** Answers in the upstream's place, after the delay if both hit. */
  abort: AbortConfig = new AbortConfig();
  /** Requests may ask for faults by `x-envoy-fault-delay-request` (ms) and `x-envoy-fault-abort-request` (status). */
  headerMode: bool = false;
  /** Most requests under a fault at a time in the whole process; 0 = any number. */
  maxActiveFaults: u32 = 0;
  private delayed: Share | null = null;
  private aborted: Share | null = null;

  /** Who is delayed. */
  get delayShare(): Share {
    return this.delayed!;
  }
  /** Who is aborted. */
  get abortShare(): Share {
    return this.aborted!;
  }
  override check(): string | null {
    if (!this.headerMode) {
      if (this.delay.fixed.nanos == 0 && this.delay.percent.value != 100)
        return "at /delay/fixed: required with percent";
      if (this.abort.status == 0 && this.abort.percent.value != 100) return "at /abort/status: required with percent";
    }
    this.delayed = new Share(this.delay.percent, "fault.delay");
    this.aborted = new Share(this.abort.percent, "fault.abort");
    return null;
  }
}
