// Rewrites links to one domain, and the domain nowhere else.
export * from "@sluice/sdk/proxy";
import { BodyView, definePlugin, Flow, HttpFilter, ResponseHead } from "@sluice/sdk";
import { None } from "../none";

class DomainRewrite extends HttpFilter {
  constructor(config: None) {
    super();
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    response.willEditBody();
    return Flow.Continue;
  }
  override onResponseBody(body: BodyView): Flow {
    if (!body.end) return Flow.Pause;
    body.replaceText(body.text().replaceAll("<a href=https://foo.com>", '<a href="https://bar.com">'));
    return Flow.Continue;
  }
}
definePlugin<None, DomainRewrite>("html-domain-rewrite");
