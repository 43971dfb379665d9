// A filter for the tests of the testing kit: does what `x-do` asks for.
export * from "@sluice/sdk/proxy";
import {
  BodyView,
  Bytes,
  callForeign,
  CallResponse,
  Config,
  Continuation,
  Counter,
  definePlugin,
  Flow,
  HttpFilter,
  lastStatus,
  log,
  OutRequest,
  props,
  Queue,
  RequestHead,
  ResponseHead,
  SharedData,
} from "@sluice/sdk";

@config
class KitConfig extends Config {
  version: string = "one";
}

const served = new Counter("served");

class Done extends Continuation {
  constructor(private filter: Kit) {
    super();
  }
  override onResponse(response: CallResponse): void {
    this.filter.request.headers.set("x-call", response.status.toString());
    this.filter.resumeRequest();
  }
}

function deep(list: i32[], at: i32): i32 {
  return list[at];
}

class Kit extends HttpFilter {
  constructor(private config: KitConfig) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    served.add();
    request.headers.set("x-version", this.config.version);
    const what = request.headers.get("x-do");
    if (what == "trap") request.headers.set("x-never", deep([1], request.headers.count() + 10).toString());
    if (what == "log") log.warn("careful now");
    if (what == "reply") return this.reply(418, "teapot");
    if (what == "call") {
      if (this.call("side", new OutRequest("POST", "/ask", "side").body("q"), 100, new Done(this))) return Flow.Pause;
      request.headers.set("x-status", lastStatus().toString());
    }
    if (what == "foreign") {
      const answer = callForeign("test.twice", Bytes.from("ab"));
      request.headers.set("x-answer", answer ? answer.toString() : "none " + lastStatus().toString());
    }
    if (what == "data") {
      request.headers.set("x-set", SharedData.set("k", Bytes.from("v")).toString());
      const queue = Queue.register("q");
      if (queue) queue.enqueue(Bytes.from("item"));
    }
    if (what == "prop") props.set("mine", "yes");
    return Flow.Continue;
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    response.headers.set("x-version", this.config.version);
    return Flow.Continue;
  }
  override onResponseBody(body: BodyView): Flow {
    // Wrong on purpose: a word across the edge of two chunks stays.
    body.replaceText(body.text().replaceAll("secret", "***"));
    return Flow.Continue;
  }
}
definePlugin<KitConfig, Kit>("kit");
