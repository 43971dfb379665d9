// Answers every request itself.
export * from "@sluice/sdk/proxy";
import { definePlugin, Flow, HttpFilter, PairsBuilder, RequestHead } from "@sluice/sdk";
import { None } from "../none";

class LocalReply extends HttpFilter {
  constructor(config: None) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    return this.reply(200, "Hello World", new PairsBuilder().add("content-type", "text/plain"));
  }
}
definePlugin<None, LocalReply>("local-reply");
