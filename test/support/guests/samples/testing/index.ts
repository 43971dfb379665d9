// Logs its phases and the time, and answers itself when the response says so.
export * from "@sluice/sdk/proxy";
import { definePlugin, Flow, HttpFilter, log, nowNanos, PairsBuilder, RequestHead, ResponseHead } from "@sluice/sdk";
import { None } from "../none";

class Testing extends HttpFilter {
  private answered: bool = false;
  constructor(config: None) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    log.debug("request headers " + this.id.toString());
    return Flow.Continue;
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    log.debug("response headers " + this.id.toString());
    for (let i = 1; i <= 3; i++) log.info("time " + i.toString() + ": " + nowNanos().toString());
    if (this.answered || !response.headers.has("reply-with-error")) return Flow.Continue;
    this.answered = true;
    return this.reply(500, "fake error", new PairsBuilder().add("error", "goaway"), "extra");
  }
}
definePlugin<None, Testing>("testing");
