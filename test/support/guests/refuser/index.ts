// A filter for tests: accepts its configuration on the first data thread and refuses it on every further one. It counts
// in shared data, which all data threads see (the canary has its own).
export * from "@sluice/sdk/proxy";
import { Config, counterAdd, definePlugin, Flow, HttpFilter, ResponseHead } from "@sluice/sdk";

@config
class RefuserConfig extends Config {
  word: string = "";
  check(): string | null {
    return counterAdd("configured", 1) > 1 ? "only one data thread may have me" : null;
  }
}

class Refuser extends HttpFilter {
  constructor(private config: RefuserConfig) {
    super();
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    response.headers.add("x-version", this.config.word);
    return Flow.Continue;
  }
}
definePlugin<RefuserConfig, Refuser>("refuser");
