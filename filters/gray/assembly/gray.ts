// Tags requests by business rule and stable share of users, for routes and services behind to tell them apart.
import { clearRouteCache, Flow, HttpFilter, RequestHead } from "@sluice/sdk";
import { GrayConfig } from "./gray-config";
import { Rule } from "./rule";

export class Gray extends HttpFilter {
  constructor(private config: GrayConfig) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    const config = this.config;
    const rule = this.firstRule();
    const tag = rule ? rule.tag : config.defaultTag;
    if (tag == "" && !request.headers.has(config.header)) return Flow.Continue;
    if (tag == "") request.headers.remove(config.header);
    else request.headers.set(config.header, tag);
    if (rule) rule.count();
    else if (tag != "") config.countDefault();
    // The route was matched with the header as the client sent it: a forged tag must not have chosen it either.
    clearRouteCache();
    return Flow.Continue;
  }

  private firstRule(): Rule | null {
    const rules = this.config.rules;
    for (let i = 0; i < rules.length; i++) if (rules[i].takes(this)) return rules[i];
    return null;
  }
}
