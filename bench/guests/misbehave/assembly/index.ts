// Loops or traps when a header says so.
export * from "@sluice/sdk/proxy";
import { Config, definePlugin, Flow, HttpFilter, RequestHead } from "@sluice/sdk";

@config
class MisbehaveConfig extends Config {}

class Misbehave extends HttpFilter {
  constructor(config: MisbehaveConfig) {
    super();
  }

  override onRequestHeaders(request: RequestHead): Flow {
    if (request.headers.has("x-loop")) while (true) {}
    if (request.headers.has("x-trap")) unreachable();
    return Flow.Continue;
  }
}

definePlugin<MisbehaveConfig, Misbehave>("misbehave");
