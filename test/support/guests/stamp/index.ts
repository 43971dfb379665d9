// A filter for tests: writes its configured word into the response header x-version.
export * from "@sluice/sdk/proxy";
import { Config, definePlugin, Flow, HttpFilter, ResponseHead } from "@sluice/sdk";

@config
class StampConfig extends Config {
  word: string = "";
  check(): string | null {
    return this.word == "bad" ? "word must not be bad" : null;
  }
}

class Stamp extends HttpFilter {
  constructor(private config: StampConfig) {
    super();
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    response.headers.add("x-version", this.config.word);
    return Flow.Continue;
  }
}
definePlugin<StampConfig, Stamp>("stamp");
