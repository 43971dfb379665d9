// Overwrites a request header that is there, sets a response header either way.
export * from "@sluice/sdk/proxy";
import { definePlugin, Flow, HttpFilter, RequestHead, ResponseHead } from "@sluice/sdk";
import { None } from "../none";

class OverwriteHeader extends HttpFilter {
  constructor(config: None) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    if (request.headers.has("requestheader")) request.headers.set("requestheader", "changed");
    return Flow.Continue;
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    response.headers.set("responseheader", "changed");
    return Flow.Continue;
  }
}
definePlugin<None, OverwriteHeader>("overwrite-header");
