// Talks gRPC as the header `x-grpc` says, and answers the request with what it saw. `unary`: one call with `x-message`.
// `stream`: sends `x-send` (comma separated, `end` half-closes, `cancel` cancels, `#N` is a message of N bytes). A message
// "stop" from the server cancels, one "more" is answered. `ignore`: opens a stream and lets the request go on. `watch`: the
// plugin opens a stream of its own, `watched` tells what came on it.
export * from "@sluice/sdk/proxy";
import {
  BodyView,
  Bytes,
  Config,
  definePluginWithRoot,
  Duration,
  Flow,
  GrpcCall,
  GrpcRequest,
  GrpcResponse,
  GrpcStatus,
  GrpcStream,
  HeaderView,
  HttpFilter,
  lastStatus,
  log,
  PairsBuilder,
  RequestHead,
  Root,
} from "@sluice/sdk";

@config
class GrpcConfig extends Config {
  cluster: string = "grpc";
  service: string = "test.Echo";
  timeout: Duration = Duration.of("5s");
  version: string = "";
}

/** Short messages as they are, long ones as their length and hash. */
function shown(message: BodyView): string {
  if (message.size <= 200) return message.text();
  return message.size.toString() + ":" + message.window().hash32().toString();
}

class Answer extends GrpcCall {
  private seen: string = "";
  constructor(private filter: Talk) {
    super();
  }
  override onInitialMetadata(metadata: HeaderView): void {
    this.seen += "initial " + metadata.get("x-server") + "\n";
  }
  override onTrailingMetadata(metadata: HeaderView): void {
    this.seen += "trailing " + metadata.get("x-reason") + "\n";
  }
  onResponse(response: GrpcResponse): void {
    if (response.ok) this.seen += "message " + shown(response.body()) + "\n";
    this.filter.tell(this.seen + "status " + (<i32>response.status).toString() + " " + response.statusMessage);
  }
}

class Talking extends GrpcStream {
  private seen: string = "";
  constructor(private filter: Talk) {
    super();
  }
  override onInitialMetadata(metadata: HeaderView): void {
    this.seen += "initial " + metadata.get("x-server") + "\n";
  }
  onMessage(message: BodyView): void {
    const text = shown(message);
    this.seen += "message " + text + "\n";
    if (text == "stop") {
      this.cancel();
      this.filter.tell(this.seen + "cancelled");
    } else if (text == "more") this.sendText("answer");
    else if (text == "done") this.end();
  }
  override onTrailingMetadata(metadata: HeaderView): void {
    this.seen += "trailing " + metadata.get("x-reason") + "\n";
  }
  onClose(status: GrpcStatus, reason: string): void {
    log.info("closed " + (<i32>status).toString() + " " + reason);
    this.filter.tell(this.seen + "status " + (<i32>status).toString() + " " + reason);
  }
}

class Talk extends HttpFilter {
  constructor(private config: GrpcConfig) {
    super();
  }

  override onRequestHeaders(request: RequestHead): Flow {
    const what = request.headers.get("x-grpc");
    if (what == "") return Flow.Continue;
    const config = this.config;
    if (what == "watch") {
      const root = changetype<TalkRoot>(this.root);
      return this.reply(root.watch(config) ? 200 : 500);
    }
    if (what == "watched") return this.reply(200, watched);
    const ask = new GrpcRequest(config.service, request.headers.get("x-method", "Say"));
    ask.metadata("x-client", config.version).metadata("x-many", "1").metadata("x-many", "2");
    if (what == "unary") {
      const text = request.headers.get("x-message");
      if (text.startsWith("#")) ask.message(filled(text));
      else ask.messageText(text);
      const sent = this.grpcCall(config.cluster, ask, config.timeout.millis, new Answer(this));
      return sent ? Flow.Pause : this.reply(500, "refused " + lastStatus().toString());
    }
    const talking = new Talking(this);
    if (!this.grpcStream(config.cluster, ask, talking)) return this.reply(500, "refused " + lastStatus().toString());
    const parts = request.headers.get("x-send").split(",");
    for (let i = 0; i < parts.length; i++) this.step(talking, parts[i]);
    return what == "ignore" ? Flow.Continue : Flow.Pause;
  }

  private step(talking: Talking, part: string): void {
    if (part == "end") talking.end();
    else if (part == "cancel") {
      talking.cancel();
      this.tell("cancelled, open " + talking.open.toString());
    } else if (part.startsWith("#")) {
      if (!talking.send(filled(part))) this.tell("not taken " + lastStatus().toString());
    } else if (part != "") talking.sendText(part);
  }

  tell(text: string): void {
    this.reply(200, text, new PairsBuilder().add("x-version", this.config.version));
  }
}

function filled(part: string): Bytes {
  const bytes = new ArrayBuffer(<i32>parseInt(part.substring(1)));
  memory.fill(changetype<usize>(bytes), 7, bytes.byteLength);
  return Bytes.over(bytes);
}
/** The last message of the plugin's own stream, or how that ended. */
let watched: string = "nothing";

class Watch extends GrpcStream {
  onMessage(message: BodyView): void {
    watched = message.text();
  }
  onClose(status: GrpcStatus, reason: string): void {
    watched = "closed " + (<i32>status).toString() + " " + reason;
  }
}

class First extends GrpcCall {
  onResponse(response: GrpcResponse): void {
    watched = "first " + (<i32>response.status).toString();
  }
}

class TalkRoot extends Root<GrpcConfig> {
  /** Asks once and keeps a stream open: both outlive the request that caused them. */
  watch(config: GrpcConfig): bool {
    const asked = this.grpcCall(config.cluster, new GrpcRequest(config.service, "First"), 0, new First());
    return asked && this.grpcStream(config.cluster, new GrpcRequest(config.service, "Watch"), new Watch());
  }
}
definePluginWithRoot<GrpcConfig, Talk, TalkRoot>("talk");
