// Gives a session id to who has none.
export * from "@sluice/sdk/proxy";
import { definePlugin, Flow, HttpFilter, log, randomBits, RequestHead, ResponseHead } from "@sluice/sdk";
import { None } from "../none";

class SetCookie extends HttpFilter {
  private session: string | null = null;
  constructor(config: None) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    this.session = request.cookie("my_cookie");
    return Flow.Continue;
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    const known = this.session;
    if (known !== null) {
      log.info("set-cookie: This current request is for the existing session ID: " + known);
      return Flow.Continue;
    }
    const id = (randomBits() >> 33).toString();
    log.info("set-cookie: New session ID created for the current request: " + id);
    response.headers.add("Set-Cookie", "my_cookie=" + id + "; Path=/; HttpOnly");
    return Flow.Continue;
  }
}
definePlugin<None, SetCookie>("set-cookie");
