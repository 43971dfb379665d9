// The example header filter: refuses some user agents, tags the rest.
export * from "@sluice/sdk/proxy";
import { Bytes, Config, Counter, definePlugin, Flow, HttpFilter, RequestHead } from "@sluice/sdk";

@config
class TagConfig extends Config {
  /** Name of the header to set. */
  header: string = "x-tag";
  /** Its value. */
  value: string = "v1";
  /** Beginnings of user agents that are refused. */
  deny: string[] = [];
  override check(): string | null {
    return this.header.length ? null : "header must not be empty";
  }
}
const denied = new Counter("tag_denied_total");

class Tag extends HttpFilter {
  constructor(private config: TagConfig) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    const agent = request.headers.bytes("user-agent");
    if (agent && this.denies(agent)) {
      denied.add();
      return this.reply(403, "denied");
    }
    request.headers.set(this.config.header, this.config.value);
    return Flow.Continue;
  }
  private denies(agent: Bytes): bool {
    for (let i = 0; i < this.config.deny.length; i++) if (agent.startsWith(this.config.deny[i])) return true;
    return false;
  }
}
definePlugin<TagConfig, Tag>("tag");
