// Redirects domains; the configuration is a table, one pair a line.
export * from "@sluice/sdk/proxy";
import { Config, definePlugin, Flow, HttpFilter, JsonReader, PairsBuilder, RequestHead } from "@sluice/sdk";

class Domains extends Config {
  sources: string[] = [];
  targets: string[] = [];

  override read(json: JsonReader): string | null {
    const lines = json.remaining.split("\n");
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i].trim();
      if (line == "" || line.startsWith("#")) continue;
      const gap = line.indexOf(" ");
      if (gap < 0) return "line " + (i + 1).toString() + ": expected two domains";
      this.sources.push(line.substring(0, gap).toLowerCase());
      this.targets.push(line.substring(gap).trim());
    }
    return null;
  }
}

class RedirectBulk extends HttpFilter {
  constructor(private config: Domains) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    const domain = request.host.split(":")[0].toLowerCase();
    const at = this.config.sources.indexOf(domain);
    if (at < 0) return Flow.Continue;
    const location = request.scheme + "://" + this.config.targets[at] + request.path;
    return this.reply(301, "", new PairsBuilder().add("location", location));
  }
}
definePlugin<Domains, RedirectBulk>("redirect-bulk");
