// One word for the kind of device, whichever header tells it.
export * from "@sluice/sdk/proxy";
import { definePlugin, Flow, HttpFilter, RequestHead } from "@sluice/sdk";
import { None } from "../none";

class NormalizeHeader extends HttpFilter {
  constructor(config: None) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    const isMobile =
      request.headers.get("sec-ch-ua-mobile") == "?1" ||
      request.headers.get("user-agent").toLowerCase().includes("mobile");
    request.headers.set("client-device-type", isMobile ? "mobile" : "unknown");
    return Flow.Continue;
  }
}
definePlugin<None, NormalizeHeader>("normalize-header");
