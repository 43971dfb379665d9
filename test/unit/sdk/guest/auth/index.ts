// A call-out: asks an auth service and pauses until it answers.
export * from "@sluice/sdk/proxy";
import {
  CallFailure,
  CallResponse,
  Config,
  Continuation,
  definePlugin,
  Duration,
  Flow,
  HttpFilter,
  log,
  OutRequest,
  PairsBuilder,
  RequestHead,
} from "@sluice/sdk";

@config
class AuthConfig extends Config {
  cluster: string = "auth";
  timeout: Duration = Duration.of("200ms");
}

class Verdict extends Continuation {
  constructor(private filter: Auth) {
    super();
  }
  onResponse(response: CallResponse): void {
    if (!response.ok) {
      const timeout = response.failure == CallFailure.Timeout;
      this.filter.reply(503, timeout ? "auth timed out" : "auth failed: " + response.failureText);
    } else if (response.status != 200)
      this.filter.reply(401, "", new PairsBuilder().add("www-authenticate", "x"), "no");
    else this.filter.accept(response.body().text() + response.headers.get("x-more") + response.trailers.get("x-sum"));
  }
}

class Auth extends HttpFilter {
  constructor(private config: AuthConfig) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    const ask = new OutRequest("POST", "/verify", "auth.local")
      .copyHeader(request, "authorization")
      .copyHeader(request, "x-absent")
      .body("who?")
      .trailer("x-t", "1");
    const sent = this.call(this.config.cluster, ask, this.config.timeout.millis, new Verdict(this));
    return sent ? Flow.Pause : this.reply(503, "refused");
  }
  override onEnd(): void {
    log.info("end " + this.id.toString());
  }
  accept(user: string): void {
    this.request.headers.set("x-user", user);
    this.resumeRequest();
  }
}
definePlugin<AuthConfig, Auth>("auth");
