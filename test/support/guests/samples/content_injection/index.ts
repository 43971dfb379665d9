// Puts a script into the head of every page: waits for the whole body, then edits it.
export * from "@sluice/sdk/proxy";
import { BodyView, definePlugin, Flow, HttpFilter, ResponseHead } from "@sluice/sdk";
import { None } from "../none";

const HEAD = "<head>";
const SCRIPT = '<script src="https://www.foo.com/api.js"></script>';

class ContentInjection extends HttpFilter {
  constructor(config: None) {
    super();
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    response.willEditBody();
    return Flow.Continue;
  }
  override onResponseBody(body: BodyView): Flow {
    if (!body.end) return Flow.Pause;
    const text = body.text();
    const at = text.indexOf(HEAD);
    if (at < 0) return Flow.Continue;
    const after = at + HEAD.length;
    body.replaceText(text.substring(0, after) + SCRIPT + text.substring(after));
    return Flow.Continue;
  }
}
definePlugin<None, ContentInjection>("content-injection");
