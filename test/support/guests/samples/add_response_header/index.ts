// Extends a response header of a certain value, removes another.
export * from "@sluice/sdk/proxy";
import { definePlugin, Flow, HttpFilter, ResponseHead } from "@sluice/sdk";
import { None } from "../none";

class AddResponseHeader extends HttpFilter {
  constructor(config: None) {
    super();
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    if (response.headers.get("message") == "foo") response.headers.add("message", "bar");
    response.headers.remove("welcome");
    return Flow.Continue;
  }
}
definePlugin<None, AddResponseHeader>("add-response-header");
