// Delays and aborts a stable share of requests, or those that ask for it by header.
import { Counter, delay, Flow, Gauge, HttpFilter, RequestHead, Task, Timer } from "@sluice/sdk";
import { FaultConfig } from "./fault-config";

/** Longest delay that hosts take, ms. */
const LONGEST: u32 = 60000;

const delaysInjected = new Counter("delays_injected");
const abortsInjected = new Counter("aborts_injected");
const overflows = new Counter("faults_overflow");
const active = new Gauge("active_faults");

export class Fault extends HttpFilter {
  /** Counted in `active_faults`. */
  private hit: bool = false;

  constructor(private config: FaultConfig) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    if (!this.config.match.test(request)) return Flow.Continue;
    const delayMs = this.delayOf(request);
    const status = this.abortOf(request);
    if (delayMs == 0 && status == 0) return Flow.Continue;
    if (!this.enter()) return Flow.Continue;
    if (delayMs == 0) return this.abort(status);
    delaysInjected.add();
    if (status == 0) return delay(this, delayMs);
    // The host's own delay tells nobody when it is over, and the abort comes after it.
    return Timer.after(delayMs, new AbortLater(this, status)) ? Flow.Pause : this.abort(status);
  }
  override onEnd(): void {
    if (this.hit) active.add(-1);
  }
  abort(status: u32): Flow {
    abortsInjected.add();
    return this.reply(status, this.config.abort.body, null, "fault_filter_abort");
  }

  /** Milliseconds to wait, 0 = none. */
  private delayOf(request: RequestHead): u32 {
    const config = this.config;
    let ms = config.delay.fixed.millis;
    if (config.headerMode) ms = min(asked(request, "x-envoy-fault-delay-request", ms), LONGEST);
    return ms && config.delayShare.takesRequest(this) ? ms : 0;
  }
  /** Status to answer, 0 = none. */
  private abortOf(request: RequestHead): u32 {
    const config = this.config;
    let status = config.abort.status;
    if (config.headerMode) status = statusOr(asked(request, "x-envoy-fault-abort-request", status), status);
    return status && config.abortShare.takesRequest(this) ? status : 0;
  }
  /** False when as many requests are under a fault as may be. */
  private enter(): bool {
    const most = this.config.maxActiveFaults;
    if (most && active.value >= most) {
      overflows.add();
      return false;
    }
    active.add();
    this.hit = true;
    return true;
  }
}

/** The abort that follows a delay. */
class AbortLater extends Task {
  constructor(
    private filter: Fault,
    private status: u32,
  ) {
    super();
  }
  run(): void {
    this.filter.abort(this.status);
  }
}

/** The number a header asks for; `absent` when it is not there or no number. */
function asked(request: RequestHead, header: string, absent: u32): u32 {
  const text = request.headers.bytes(header);
  if (text === null) return absent;
  const number = text.trim();
  const value = number.parseInt();
  return number.ok && value >= 0 ? <u32>min<i64>(value, u32.MAX_VALUE) : absent;
}

function statusOr(asked: u32, configured: u32): u32 {
  return asked >= 200 && asked <= 599 ? asked : configured;
}
