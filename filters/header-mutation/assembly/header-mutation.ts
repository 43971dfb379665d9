// Edits request and response headers by a list of mutations, in the order they are written.
import { Config, Flow, formatInt, HttpFilter, RequestHead, ResponseHead } from "@sluice/sdk";
import { Match } from "@sluice/sdk/governance";
import { KeptHeaders } from "./kept-headers";
import { Mutation } from "./mutation";

@config
export class HeaderMutationConfig extends Config {
  /** Which requests are edited, with their responses; absent = all. */
  match: Match = new Match();
  /** Applied to the request before it goes on. */
  requestMutations: Mutation[] = [];
  /** Applied to the response before it goes on, local replies of later filters included. */
  responseMutations: Mutation[] = [];
  private keptNames: string[] = [];

  override check(): string | null {
    for (let i = 0; i < this.requestMutations.length; i++) {
      const operator = this.requestMutations[i].needsResponse;
      const at = "at /requestMutations/" + formatInt(i).toString() + "/value: ";
      if (operator != "") return at + operator + " is known only in responseMutations";
    }
    for (let i = 0; i < this.responseMutations.length; i++)
      this.keptNames = this.keptNames.concat(this.responseMutations[i].requestHeaders);
    return null;
  }
  /** Request headers that responses are made of. */
  get kept(): string[] {
    return this.keptNames;
  }
}

export class HeaderMutation extends HttpFilter {
  private matched: bool = false;
  private kept: KeptHeaders | null = null;

  constructor(private config: HeaderMutationConfig) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    this.matched = this.config.match.test(request);
    if (this.matched) {
      const mutations = this.config.requestMutations;
      for (let i = 0; i < mutations.length; i++) mutations[i].apply(request.headers, null);
      this.keep(request);
    }
    return Flow.Continue;
  }
  private keep(request: RequestHead): void {
    const names = this.config.kept;
    if (names.length == 0) return;
    const kept = new KeptHeaders();
    kept.keep(request, names);
    this.kept = kept;
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    if (this.matched) {
      const mutations = this.config.responseMutations;
      for (let i = 0; i < mutations.length; i++) mutations[i].apply(response.headers, this.kept);
    }
    return Flow.Continue;
  }
}
