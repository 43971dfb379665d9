// The reference filter of the bench: two reads and one write of request headers.
export * from "@sluice/sdk/proxy";
import { definePlugin, Config, Flow, HttpFilter, RequestHead } from "@sluice/sdk";

@config
class TierConfig extends Config {
  /** Given to user agents that begin with it. */
  agent: string = "wrk";
}

class Tier extends HttpFilter {
  constructor(private config: TierConfig) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    const agent = request.headers.bytes("user-agent");
    const accept = request.headers.bytes("accept");
    const gold = agent !== null && accept !== null && agent.startsWith(this.config.agent);
    request.headers.set("x-tier", gold ? "gold" : "plain");
    return Flow.Continue;
  }
}
definePlugin<TierConfig, Tier>("tier");
