// A TCP filter that does what the first bytes of a connection tell it: one guest for the tests of chain and sockets.
//
//   config.mode   pause    holds the new connection, and resumes it 20 ms later
//                 refuse   writes "go away\n" and closes
//                 steer    names the cluster "raw" in Envoy's filter state
//                 lines    holds data until it ends with a line end, then wraps every batch: "<name:...>\n"
//                 upper    upper-cases what the upstream says
//                 echo     answers the client itself, nothing goes upstream
//                 command  "quit", "trap", "close-up", "hold", "delay:MS" on the client's first bytes
export * from "@sluice/sdk/proxy";
import {
  BodyView,
  Bytes,
  callForeign,
  Config,
  Counter,
  definePlugin,
  delay,
  Flow,
  log,
  Peer,
  props,
  TcpFilter,
  Timer,
  Task,
} from "@sluice/sdk";

@config
class GateConfig extends Config {
  name: string = "gate";
  mode: string = "pass";
}

const seen = new Counter("gate_connections");

class Resume extends Task {
  constructor(private filter: Gate) {
    super();
  }
  run(): void {
    this.filter.resumeDownstream();
  }
}

class Gate extends TcpFilter {
  constructor(private config: GateConfig) {
    super();
  }

  private say(what: string): void {
    log.info(this.config.name + " " + what);
  }

  override onNewConnection(): Flow {
    seen.add();
    this.say("new " + props.source.address);
    if (this.config.mode == "refuse") {
      this.writeText("go away\n", true);
      return Flow.Continue;
    }
    if (this.config.mode == "steer") {
      // SetEnvoyFilterStateArguments { path: "envoy.tcp_proxy.cluster", value: "raw" }
      const done = callForeign("set_envoy_filter_state", Bytes.from("\n\x17envoy.tcp_proxy.cluster\x12\x03raw"));
      this.say("steered " + (done !== null).toString());
    }
    if (this.config.mode == "pause") {
      Timer.after(20, new Resume(this));
      return Flow.Pause;
    }
    return this.config.mode == "stall" ? Flow.Pause : Flow.Continue;
  }

  override onDownstreamData(data: BodyView): Flow {
    const mode = this.config.mode;
    if (mode == "lines") {
      const text = data.text();
      if (!text.endsWith("\n") && !data.end) return Flow.Pause;
      data.replaceText("<" + this.config.name + ":" + text.trimEnd() + ">\n");
    }
    if (mode == "echo") {
      this.write(data.window());
      data.replaceText("");
    }
    if (mode == "command") return this.obey(data.text());
    return Flow.Continue;
  }

  private obey(command: string): Flow {
    if (command == "trap") unreachable();
    if (command == "quit") this.closeDownstream();
    if (command == "close-up") this.closeUpstream();
    if (command == "hold") return Flow.Pause;
    if (command == "delay") return delay(this, 50);
    return Flow.Continue;
  }

  override onUpstreamData(data: BodyView): Flow {
    const mode = this.config.mode;
    if (mode == "upper") data.replaceText(data.text().toUpperCase());
    if (mode == "wait-up") return data.end ? Flow.Continue : Flow.Pause;
    if (mode == "delay-up") return delay(this, 50);
    if (mode == "trap-up") unreachable();
    return Flow.Continue;
  }

  override onDownstreamClose(by: Peer): void {
    this.say("client closed by " + (<i32>by).toString());
  }
  override onUpstreamClose(by: Peer): void {
    this.say("upstream closed by " + (<i32>by).toString());
  }
  override onEnd(): void {
    this.say("done");
  }
  override onLog(): void {
    this.say("log " + props.int("request.size", -1).toString());
  }
}
definePlugin<GateConfig, Gate>("gate");
