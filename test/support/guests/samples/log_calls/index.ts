// Logs every call that reaches it.
export * from "@sluice/sdk/proxy";
import { definePluginWithRoot, Flow, HttpFilter, log, RequestHead, ResponseHead, Root } from "@sluice/sdk";
import { None } from "../none";

class LogRoot extends Root<None> {
  constructor() {
    super();
    log.info("root onCreate called");
    // The SDK has no callback for proxy_on_vm_start: what it would be for happens here.
    log.info("root onStart called");
  }
  override onConfigure(config: None): string | null {
    log.info("root onConfigure called");
    return null;
  }
}

class LogCalls extends HttpFilter {
  constructor(config: None) {
    super();
    log.info("http onCreate called");
  }
  override onRequestHeaders(request: RequestHead): Flow {
    log.info("http onRequestHeaders called");
    return Flow.Continue;
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    log.info("http onResponseHeaders called");
    return Flow.Continue;
  }
  override onEnd(): void {
    log.info("http onDone called");
    // Nor for proxy_on_delete: the object goes after this.
    log.info("http onDelete called");
  }
}
definePluginWithRoot<None, LogCalls, LogRoot>("log-calls");
