// A filter for tests: does what the header `x-probe` (requests) or `x-probe-response` (upstream responses) says, so that
// one module can stand for any behaviour. Commands: pause, delay:MS, reply:STATUS, trap, close, call, hold, buffer, upper.
export * from "@sluice/sdk/proxy";
import {
  BodyView,
  CallResponse,
  callForeign,
  clearRouteCache,
  Config,
  Continuation,
  Counter,
  definePlugin,
  delay,
  Flow,
  HttpFilter,
  log,
  OutRequest,
  RequestHead,
  ResponseHead,
  Trailers,
} from "@sluice/sdk";

@config
class ProbeConfig extends Config {
  name: string = "probe";
  failConfigure: bool = false;
  check(): string | null {
    return this.failConfigure ? "told to fail" : null;
  }
}

let spins: u32 = 0;
const seen = new Counter("probe_requests");

class Verdict extends Continuation {
  constructor(private filter: Probe) {
    super();
  }
  onResponse(response: CallResponse): void {
    if (!response.ok) this.filter.reply(503, "call failed: " + response.failureText);
    else if (response.status != 200) this.filter.reply(401);
    else this.filter.verdict(response.body().text());
  }
}

class Probe extends HttpFilter {
  private command: string = "";
  constructor(private config: ProbeConfig) {
    super();
  }

  override onRequestHeaders(request: RequestHead): Flow {
    seen.add();
    this.command = request.headers.get("x-probe");
    request.headers.add("x-trace", this.config.name);
    const command = this.command;
    if (command == "trap") unreachable();
    if (command == "loop") for (;;) spins++;
    if (command == "reroute") clearRouteCache();
    if (command == "pause") return Flow.Pause;
    if (command.startsWith("delay:")) return delay(this, <u32>parseInt(command.substring(6)));
    if (command.startsWith("reply:")) return this.reply(<u32>parseInt(command.substring(6)), "by " + this.config.name);
    if (command == "close") this.closeRequest();
    if (command == "resume-now") {
      this.resumeRequest();
      return Flow.Pause;
    }
    if (command == "hold") {
      callForeign("sluice.hold_headers");
      return Flow.Pause;
    }
    if (command == "call") {
      const ask = new OutRequest("GET", "/verify", "iam").copyHeader(request, "authorization");
      return this.call("iam", ask, 50, new Verdict(this)) ? Flow.Pause : this.reply(500, "refused");
    }
    return Flow.Continue;
  }

  verdict(user: string): void {
    this.request.headers.set("x-user", user);
    this.resumeRequest();
  }

  override onRequestBody(body: BodyView): Flow {
    if (this.command == "gather" && !body.end) return Flow.Pause;
    if (this.command == "buffer" || this.command == "hold") {
      if (!body.end) return Flow.Pause;
      body.replaceText("<" + body.text() + ">");
    }
    if (this.command == "upper") body.replaceText(body.text().toUpperCase());
    if (this.command == "reply-body") return this.reply(413, "too much");
    if (this.command == "trap-body") unreachable();
    return Flow.Continue;
  }

  override onRequestTrailers(trailers: Trailers): Flow {
    trailers.headers.set("x-trailer", this.config.name);
    return Flow.Continue;
  }

  override onResponseHeaders(response: ResponseHead): Flow {
    const command = response.headers.get("x-probe-response");
    response.headers.add("x-back", this.config.name);
    if (command == "reply") return this.reply(502, "instead");
    if (this.command == "answer-errors" && response.status >= 500) return this.reply(503, "sorry");
    if (command == "trap") unreachable();
    if (command == "pause") return Flow.Pause;
    if (this.command == "response-hold" && response.status == 200) {
      callForeign("sluice.hold_headers");
      return Flow.Pause;
    }
    return Flow.Continue;
  }

  override onResponseBody(body: BodyView): Flow {
    const buffers = this.command == "response-buffer" || this.command == "response-hold";
    if (buffers && !body.end) return Flow.Pause;
    return Flow.Continue;
  }

  override onLog(): void {
    log.info("log " + this.config.name);
  }
}
definePlugin<ProbeConfig, Probe>("probe");
