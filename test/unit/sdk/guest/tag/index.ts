export * from "@sluice/sdk/proxy";
import { Config, definePlugin, Flow, HttpFilter, RequestHead } from "@sluice/sdk";

@config
class TagConfig extends Config {
  header: string = "x-tag";
  value: string = "v1";
}

class Tag extends HttpFilter {
  constructor(private config: TagConfig) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    request.headers.set(this.config.header, this.config.value);
    return Flow.Continue;
  }
}
definePlugin<TagConfig, Tag>("tag");
