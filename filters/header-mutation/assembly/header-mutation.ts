// Edits request and response headers by a list of mutations, in the order they are written.
import { Config, Flow, formatInt, HttpFilter, RequestHead, ResponseHead } from "@sluice/sdk";
import { Match } from "@sluice/sdk/governance";
import { Mutation } from "./mutation";

@config
export class HeaderMutationConfig extends Config {
  /** Which requests are edited, with their responses; absent = all. */
  match: Match = new Match();
  /** Applied to the request before it goes on. */
  requestMutations: Mutation[] = [];
  /** Applied to the response before it goes on, local replies of later filters included. */
  responseMutations: Mutation[] = [];

  override check(): string | null {
    for (let i = 0; i < this.requestMutations.length; i++) {
      const operator = this.requestMutations[i].needsResponse;
      const at = "at /requestMutations/" + formatInt(i).toString() + "/value: ";
      if (operator != "") return at + operator + " is known only in responseMutations";
    }
    return null;
  }
}

export class HeaderMutation extends HttpFilter {
  private matched: bool = false;

  constructor(private config: HeaderMutationConfig) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    this.matched = this.config.match.test(request);
    if (this.matched) {
      const mutations = this.config.requestMutations;
      for (let i = 0; i < mutations.length; i++) mutations[i].apply(request.headers);
    }
    return Flow.Continue;
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    if (this.matched) {
      const mutations = this.config.responseMutations;
      for (let i = 0; i < mutations.length; i++) mutations[i].apply(response.headers);
    }
    return Flow.Continue;
  }
}
