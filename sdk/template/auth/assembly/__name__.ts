// __name__: asks an authorisation service about every request, and waits for its verdict.
import { CallResponse, Config, Continuation, Duration, Flow, HttpFilter, OutRequest, RequestHead } from "@sluice/sdk";

@config
export class __Name__Config extends Config {
  /** Cluster of the service. */
  cluster: string = "auth";
  /** Path that is asked, with GET. */
  path: string = "/verify";
  /** How long to wait for the verdict. */
  timeout: Duration = Duration.of("500ms");
}

class Verdict extends Continuation {
  constructor(private filter: __Name__) {
    super();
  }
  override onResponse(response: CallResponse): void {
    if (!response.ok) this.filter.reply(503, "the authorisation service does not answer\n");
    else if (response.status != 200) this.filter.reply(403, "forbidden\n");
    else {
      this.filter.request.headers.set("x-user", response.headers.get("x-user", "unknown"));
      this.filter.resumeRequest();
    }
  }
}

export class __Name__ extends HttpFilter {
  constructor(private config: __Name__Config) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    // What a client says about itself must not reach the upstream.
    request.headers.remove("x-user");
    const ask = new OutRequest("GET", this.config.path, this.config.cluster).copyHeader(request, "authorization");
    if (this.call(this.config.cluster, ask, <u32>this.config.timeout.millis, new Verdict(this))) return Flow.Pause;
    return this.reply(503, "the authorisation service is not known\n");
  }
}
