// Greets in the log, rewrites the host, adds a response header.
export * from "@sluice/sdk/proxy";
import { definePlugin, Flow, HttpFilter, log, RequestHead, ResponseHead } from "@sluice/sdk";
import { None } from "../none";

class FirstPlugin extends HttpFilter {
  constructor(config: None) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    log.info("onRequestHeaders: hello from wasm");
    request.headers.set(":authority", "service-extensions.com");
    request.headers.set(":path", "/");
    return Flow.Continue;
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    log.info("onResponseHeaders: hello from wasm");
    response.headers.add("hello", "service-extensions");
    return Flow.Continue;
  }
}
definePlugin<None, FirstPlugin>("docs-first-plugin");
