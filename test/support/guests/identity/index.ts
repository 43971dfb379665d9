// A filter for tests: writes the properties that its configuration names into response headers, and those of the upstream
// among them when the response is there.
export * from "@sluice/sdk/proxy";
import { Config, definePlugin, Flow, HttpFilter, props, ResponseHead } from "@sluice/sdk";

@config
class IdentityConfig extends Config {
  attributes: string[] = [];
}

class Identity extends HttpFilter {
  constructor(private config: IdentityConfig) {
    super();
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    const names = this.config.attributes;
    for (let at = 0; at < names.length; at++) {
      response.headers.add("x-" + names[at].replaceAll(".", "-").replaceAll("_", "-"), props.text(names[at], "absent"));
    }
    response.headers.add("x-mtls", props.bool("connection.mtls").toString());
    return Flow.Continue;
  }
}
definePlugin<IdentityConfig, Identity>("identity");
