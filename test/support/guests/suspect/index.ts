// A filter version under suspicion, for tests of rollouts: as good or as bad as its configuration says, decided by the
// request's number in `x-n`.
//
//   word          goes into the response header x-version
//   failPercent   so many of 100 requests are answered 503 by the filter
//   trapPercent   so many trap
//   delayPercent  so many wait `delayMs`
//   score         recorded in the counter "score" of every request
//   hog           bytes allocated per request and kept
export * from "@sluice/sdk/proxy";
import { Config, Counter, definePlugin, delay, Flow, HttpFilter, RequestHead, ResponseHead } from "@sluice/sdk";

@config
class SuspectConfig extends Config {
  word: string = "";
  failPercent: u32 = 0;
  trapPercent: u32 = 0;
  delayPercent: u32 = 0;
  delayMs: u32 = 0;
  score: u32 = 0;
  hog: u32 = 0;
}

const score = new Counter("score");
const kept: ArrayBuffer[] = [];

class Suspect extends HttpFilter {
  constructor(private config: SuspectConfig) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    const config = this.config;
    const text = request.headers.get("x-n");
    const n: u32 = text ? <u32>I32.parseInt(text) % 100 : 99;
    if (n < config.trapPercent) unreachable();
    if (config.hog) kept.push(new ArrayBuffer(config.hog));
    if (config.score) score.add(config.score);
    if (n < config.failPercent) return this.reply(503, "on purpose", null, "suspect");
    if (n < config.delayPercent) return delay(this, config.delayMs);
    return Flow.Continue;
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    response.headers.add("x-version", this.config.word);
    return Flow.Continue;
  }
}
definePlugin<SuspectConfig, Suspect>("suspect");
