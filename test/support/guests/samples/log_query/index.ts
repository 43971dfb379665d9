// Logs a query parameter, decoded.
export * from "@sluice/sdk/proxy";
import { definePlugin, Flow, HttpFilter, log, RequestHead } from "@sluice/sdk";
import { None } from "../none";

class LogQuery extends HttpFilter {
  constructor(config: None) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    const token = request.queryParam("token");
    log.info("token: " + (token === null ? "<missing>" : token));
    return Flow.Continue;
  }
}
definePlugin<None, LogQuery>("log-query");
