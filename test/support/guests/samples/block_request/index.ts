// Refuses requests that were not linked from the own site; the id in the answer is in the log too.
export * from "@sluice/sdk/proxy";
import { definePlugin, Flow, HttpFilter, log, randomBits, RequestHead } from "@sluice/sdk";
import { None } from "../none";

class BlockRequest extends HttpFilter {
  constructor(config: None) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    if (request.headers.get("referer").includes("www.safe-site.com")) {
      request.headers.set("my-plugin-allowed", "true");
      return Flow.Continue;
    }
    const words = "Forbidden - Request ID: " + randomBits().toString(16);
    log.info(words);
    return this.reply(403, words);
  }
}
definePlugin<None, BlockRequest>("block-request");
