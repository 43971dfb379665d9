// A filter with state of its own, all of which begins as literals: its objects are used again.
export * from "@sluice/sdk/proxy";
import { Config, definePlugin, Flow, HttpFilter, RequestHead } from "@sluice/sdk";

@config
class FreshConfig extends Config {
  mark: string = "a";
}

class Fresh extends HttpFilter {
  count: i32 = 7;
  last: string = "none";
  note: string | null = null;

  constructor(private config: FreshConfig) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    const note = this.note;
    request.headers.set("x-seen", `${this.config.mark} ${this.count} ${this.last} ${note === null ? "null" : note}`);
    this.count++;
    this.last = request.headers.get("x-name");
    this.note = this.last + "!";
    return Flow.Continue;
  }
}
definePlugin<FreshConfig, Fresh>("fresh");
