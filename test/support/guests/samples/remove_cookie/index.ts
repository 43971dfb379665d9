// Lets no response set cookies.
export * from "@sluice/sdk/proxy";
import { definePlugin, Flow, HttpFilter, ResponseHead } from "@sluice/sdk";
import { None } from "../none";

class RemoveCookie extends HttpFilter {
  constructor(config: None) {
    super();
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    response.headers.remove("set-cookie");
    return Flow.Continue;
  }
}
definePlugin<None, RemoveCookie>("remove-cookie");
