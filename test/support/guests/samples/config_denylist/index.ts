// Refuses users whose token is on a list; the configuration is one token a line.
export * from "@sluice/sdk/proxy";
import { Config, definePlugin, Flow, HttpFilter, JsonReader, log, RequestHead } from "@sluice/sdk";

class Denylist extends Config {
  tokens: string[] = [];

  /** Lines instead of JSON. */
  override read(json: JsonReader): string | null {
    const lines = json.remaining.split("\n");
    for (let i = 0; i < lines.length; i++) {
      const token = lines[i].trim();
      if (token != "") this.tokens.push(token);
    }
    log.info("Config keys size " + this.tokens.length.toString());
    return null;
  }
}

class ConfigDenylist extends HttpFilter {
  constructor(private config: Denylist) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    // Nobody is on an empty list, and nobody needs a token to not be on it.
    if (this.config.tokens.length == 0) return Flow.Continue;
    if (!request.headers.has("user-token")) return this.reply(403, "Access forbidden - token missing.\n");
    const isDenied = this.config.tokens.includes(request.headers.get("user-token"));
    return isDenied ? this.reply(403, "Access forbidden.\n") : Flow.Continue;
  }
}
definePlugin<Denylist, ConfigDenylist>("config-denylist");
