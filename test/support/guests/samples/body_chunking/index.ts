// Marks the end of every chunk of a body.
export * from "@sluice/sdk/proxy";
import { BodyView, definePlugin, Flow, HttpFilter } from "@sluice/sdk";
import { None } from "../none";

class BodyChunking extends HttpFilter {
  constructor(config: None) {
    super();
  }
  override onRequestBody(body: BodyView): Flow {
    if (body.size > 0) body.appendText("foo");
    return Flow.Continue;
  }
  override onResponseBody(body: BodyView): Flow {
    if (body.size > 0) body.appendText("bar");
    return Flow.Continue;
  }
}
definePlugin<None, BodyChunking>("body-chunking");
