// Says in every answer which edit of this file is live; the bench rewrites the number.
export * from "@sluice/sdk/proxy";
import { definePlugin, Config, Flow, HttpFilter, ResponseHead } from "@sluice/sdk";

@config
class StampConfig extends Config {
  /** Name of the header. */
  header: string = "x-edit";
}

class Stamp extends HttpFilter {
  constructor(private config: StampConfig) {
    super();
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    response.headers.set(this.config.header, "edit-0");
    return Flow.Continue;
  }
}
definePlugin<StampConfig, Stamp>("stamp");
