// Server errors lead to a page elsewhere; the origin's status goes along.
export * from "@sluice/sdk/proxy";
import { definePlugin, Flow, HttpFilter, PairsBuilder, ResponseHead } from "@sluice/sdk";
import { None } from "../none";

const PAGE = "https://storage.googleapis.com/www.example.com/server-error.html";

class CustomResponse extends HttpFilter {
  private answered: bool = false;
  constructor(config: None) {
    super();
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    const status = response.status;
    // The answer passes this callback too: it is not looked at again.
    if (this.answered || status < 500) return Flow.Continue;
    this.answered = true;
    return this.reply(302, "", new PairsBuilder().add("location", PAGE).add("origin-status", status.toString()));
  }
}
definePlugin<None, CustomResponse>("custom-response");
