// Hides server errors behind a 404.
export * from "@sluice/sdk/proxy";
import { definePlugin, Flow, HttpFilter, ResponseHead } from "@sluice/sdk";
import { None } from "../none";

class OverwriteErrcode extends HttpFilter {
  constructor(config: None) {
    super();
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    if (response.status >= 500) response.headers.set(":status", "404");
    return Flow.Continue;
  }
}
definePlugin<None, OverwriteErrcode>("overwrite-errcode");
