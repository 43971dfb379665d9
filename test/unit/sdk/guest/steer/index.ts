// Steering and looking around: routes, delays, properties, foreign functions, randomness, globs.
export * from "@sluice/sdk/proxy";
import {
  callForeign,
  Config,
  delay,
  definePlugin,
  Duration,
  explain,
  features,
  Flow,
  globMatch,
  holdHeaders,
  HttpFilter,
  lastStatus,
  log,
  props,
  random,
  RequestHead,
  ResponseHead,
  Route,
  setMetadata,
  stableFraction,
  verifyJws,
} from "@sluice/sdk";

class None extends Config {}

class Steer extends HttpFilter {
  constructor(config: None) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    const path = request.path;
    if (path == "/route") return this.steer();
    if (path == "/subset") log.info("subset " + new Route().subset("v", "2").apply().toString());
    else if (path == "/delay") return delay(this, 30);
    else if (path == "/props") this.properties();
    else if (path == "/random") log.info("random " + random().toString());
    else if (path == "/stable") log.info("stable " + stableFraction("a", "seed").toString());
    else if (path == "/features") log.info("gcra " + features().version("sluice.gcra"));
    else if (path == "/foreign") this.unknown();
    else if (path == "/extras") this.extras();
    else log.info("glob " + globMatch("/api/*/x**", path).toString());
    return Flow.Continue;
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    return response.headers.has("x-delay") ? delay(this, 20) : Flow.Continue;
  }
  private steer(): Flow {
    const done = new Route().cluster("blue").timeout(Duration.of("1.5s")).retry("5xx", 2).apply();
    log.info("routed " + done.toString());
    return Flow.Continue;
  }
  private properties(): void {
    log.info("time " + props.request.time.toString() + " port " + props.source.port.toString());
    log.info(
      "mtls " + props.bool("connection.mtls").toString() + " load " + props.float("sluice.system.load1").toString(),
    );
    log.info(
      "route " + props.xds.routeName + " none " + props.text("no.such", "dflt") + " arm " + props.plugin.arm("s1"),
    );
    log.info("text " + props.int("text.int").toString() + " " + props.bool("text.bool").toString());
    props.set("mine", "v");
  }
  private extras(): void {
    const token = verifyJws("a.b.c", "{}", "RS256");
    log.info("jws " + (token ? token.valid.toString() + token.reason + token.payload : "null"));
    log.info("hold " + holdHeaders().toString() + " meta " + setMetadata("n", "k", "v").toString() + " " + explain());
  }
  private unknown(): void {
    log.info((callForeign("no_such") ? "there" : "null") + " " + lastStatus().toString());
  }
}
definePlugin<None, Steer>("steer");
