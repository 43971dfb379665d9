// Takes the first `foo-` at the head of a path segment away.
export * from "@sluice/sdk/proxy";
import { definePlugin, Flow, HttpFilter, RequestHead } from "@sluice/sdk";
import { None } from "../none";

class RegexRewrite extends HttpFilter {
  constructor(config: None) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    const path = request.path;
    const at = path.indexOf("/foo-");
    if (at >= 0) request.headers.set(":path", path.substring(0, at + 1) + path.substring(at + 5));
    return Flow.Continue;
  }
}
definePlugin<None, RegexRewrite>("regex-rewrite");
