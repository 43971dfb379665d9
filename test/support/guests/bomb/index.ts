// A filter for tests that starts as any other and then, on every request, does what its configuration says: `trap`, `loop`,
// or a call-out that the serving version does not make (`call`).
export * from "@sluice/sdk/proxy";
import { Config, definePlugin, Flow, HttpFilter, OutRequest, RequestHead } from "@sluice/sdk";
import { CallResponse, Continuation } from "@sluice/sdk";

@config
class BombConfig extends Config {
  name: string = "trap";
}

let spins: u32 = 0;

class Nothing extends Continuation {
  onResponse(_response: CallResponse): void {}
}

class Bomb extends HttpFilter {
  constructor(private config: BombConfig) {
    super();
  }

  override onRequestHeaders(_request: RequestHead): Flow {
    const name = this.config.name;
    if (name == "loop") for (;;) spins++;
    if (name == "call")
      return this.call("web", new OutRequest("GET", "/seen", "web"), 50, new Nothing()) ? Flow.Pause : Flow.Continue;
    if (name == "trap") unreachable();
    return Flow.Continue;
  }
}
definePlugin<BombConfig, Bomb>("bomb");
