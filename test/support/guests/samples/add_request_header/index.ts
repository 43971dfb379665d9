// Adds one request header, sets another.
export * from "@sluice/sdk/proxy";
import { definePlugin, Flow, HttpFilter, RequestHead } from "@sluice/sdk";
import { None } from "../none";

class AddRequestHeader extends HttpFilter {
  constructor(config: None) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    request.headers.add("message", "hello");
    request.headers.set("welcome", "warm");
    return Flow.Continue;
  }
}
definePlugin<None, AddRequestHeader>("add-request-header");
