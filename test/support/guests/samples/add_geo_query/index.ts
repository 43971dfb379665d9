// Puts the client's country into the query, in the place of one the client made up.
export * from "@sluice/sdk/proxy";
import { definePlugin, Flow, HttpFilter, log, props, RequestHead } from "@sluice/sdk";
import { None } from "../none";

/** The query without its `country` parameters. */
function cleaned(query: string): string {
  const kept: string[] = [];
  const parts = query.split("&");
  for (let i = 0; i < parts.length; i++) {
    if (parts[i] != "" && !parts[i].startsWith("country=")) kept.push(parts[i]);
  }
  return kept.join("&");
}

class GeoQuery extends HttpFilter {
  constructor(config: None) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    const region = props.text("request.client_region");
    const country = region == "" ? "unknown" : region;
    log.info("country: " + country);
    const kept = cleaned(request.query);
    request.headers.set(":path", request.pathOnly + "?" + (kept == "" ? "" : kept + "&") + "country=" + country);
    return Flow.Continue;
  }
}
definePlugin<None, GeoQuery>("geo-query");
