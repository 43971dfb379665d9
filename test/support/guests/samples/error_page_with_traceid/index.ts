// Errors get a page that names the trace of the request.
export * from "@sluice/sdk/proxy";
import { definePlugin, Flow, HttpFilter, PairsBuilder, RequestHead, ResponseHead } from "@sluice/sdk";
import { None } from "../none";

/** Google's header before the W3C's: `TRACE/SPAN;o=1`, `00-TRACE-SPAN-01`. */
function traceOf(request: RequestHead): string {
  const cloud = request.headers.get("x-cloud-trace-context");
  if (cloud != "") return cloud.split("/")[0];
  const parts = request.headers.get("traceparent").split("-");
  return parts.length == 4 ? parts[1] : "not available";
}

class ErrorPage extends HttpFilter {
  private trace: string = "";
  private answered: bool = false;
  constructor(config: None) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    this.trace = traceOf(request);
    return Flow.Continue;
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    const status = response.status;
    if (this.answered || status < 400) return Flow.Continue;
    this.answered = true;
    const page = "<html>\n<h1>Error " + status.toString() + "</h1>\n<p>Trace " + this.trace + "</p>\n</html>\n";
    return this.reply(status, page, new PairsBuilder().add("content-type", "text/html; charset=utf-8"));
  }
}
definePlugin<None, ErrorPage>("error-page-with-traceid");
