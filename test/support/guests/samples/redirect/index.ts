// Sends what asks below /foo/ to /bar/.
export * from "@sluice/sdk/proxy";
import { definePlugin, Flow, HttpFilter, PairsBuilder, RequestHead } from "@sluice/sdk";
import { None } from "../none";

class Redirect extends HttpFilter {
  constructor(config: None) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    const path = request.path;
    if (!path.startsWith("/foo/")) return Flow.Continue;
    return this.reply(301, "Moved to /bar/\n", new PairsBuilder().add("location", "/bar/" + path.substring(5)));
  }
}
definePlugin<None, Redirect>("redirect");
