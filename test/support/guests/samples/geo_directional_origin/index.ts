// Tells the origin the client's country, and never what a client claims.
export * from "@sluice/sdk/proxy";
import { definePlugin, Flow, HttpFilter, props, RequestHead } from "@sluice/sdk";
import { None } from "../none";

class GeoOrigin extends HttpFilter {
  constructor(config: None) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    const country = props.text("source.client_region");
    if (country == "") request.headers.remove("x-country-code");
    else request.headers.set("x-country-code", country);
    return Flow.Continue;
  }
}
definePlugin<None, GeoOrigin>("geo-directional-origin");
