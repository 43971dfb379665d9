// Half of the users get the v2 of a file, each of them always the same.
export * from "@sluice/sdk/proxy";
import { definePlugin, Flow, HttpFilter, RequestHead, stableFraction } from "@sluice/sdk";
import { None } from "../none";

const SHARE: f64 = 0.5;

class AbTesting extends HttpFilter {
  constructor(config: None) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    const user = request.queryParam("user");
    const path = request.path;
    if (user !== null && path.startsWith("/v1/") && stableFraction(user, "paths") < SHARE)
      request.headers.set(":path", "/v2/" + path.substring(4));
    return Flow.Continue;
  }
}
definePlugin<None, AbTesting>("ab-testing");
