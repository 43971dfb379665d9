// Sets one query parameter, at the end and before the fragment.
export * from "@sluice/sdk/proxy";
import { definePlugin, Flow, HttpFilter, RequestHead } from "@sluice/sdk";
import { None } from "../none";

class SetQuery extends HttpFilter {
  constructor(config: None) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    if (!request.headers.has(":path")) return Flow.Continue;
    const parts = request.path.split("#");
    const fragment = parts.length > 1 ? "#" + parts[1] : "";
    const mark = parts[0].indexOf("?");
    const kept: string[] = [];
    const given = mark < 0 ? "" : parts[0].substring(mark + 1);
    const params = given.split("&");
    for (let i = 0; i < params.length; i++) {
      if (params[i] != "" && !params[i].startsWith("key=")) kept.push(params[i]);
    }
    kept.push("key=new+val");
    const path = mark < 0 ? parts[0] : parts[0].substring(0, mark);
    request.headers.set(":path", path + "?" + kept.join("&") + fragment);
    return Flow.Continue;
  }
}
definePlugin<None, SetQuery>("set-query");
