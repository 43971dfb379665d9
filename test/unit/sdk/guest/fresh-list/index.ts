// A filter whose field is a new list for each stream: an object used again would carry the names of the stream before.
export * from "@sluice/sdk/proxy";
import { Config, definePlugin, Flow, HttpFilter, RequestHead } from "@sluice/sdk";

@config
class FreshListConfig extends Config {}

class FreshList extends HttpFilter {
  names: string[] = [];

  constructor(config: FreshListConfig) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    request.headers.set("x-seen", this.names.join(","));
    this.names.push(request.headers.get("x-name"));
    return Flow.Continue;
  }
}
definePlugin<FreshListConfig, FreshList>("fresh-list");
