// Takes its configuration as it is, and logs it.
export * from "@sluice/sdk/proxy";
import { Config, definePlugin, Flow, HttpFilter, JsonReader, log, RequestHead } from "@sluice/sdk";

class Secret extends Config {
  text: string = "";

  override read(json: JsonReader): string | null {
    this.text = json.remaining;
    return null;
  }
}

class PluginConfig extends HttpFilter {
  constructor(private config: Secret) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    log.info("secret: " + this.config.text);
    return Flow.Continue;
  }
}
definePlugin<Secret, PluginConfig>("docs-plugin-config");
