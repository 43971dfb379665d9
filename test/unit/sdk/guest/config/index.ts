// Every kind of configuration field; what was decoded is logged.
export * from "@sluice/sdk/proxy";
import { Config, definePlugin, Duration, Flow, HttpFilter, log, Percent, Rate, RequestHead, Size } from "@sluice/sdk";

@config
class Rule extends Config {
  path: string = "/";
  /** Share of requests. */
  @range(0, 100)
  percent: u32 = 100;
  override check(): string | null {
    return this.path.startsWith("/") ? null : "path must begin with /";
  }
}

@config
class Base extends Config {
  /** Inherited by all. */
  enabled: bool = true;
}

/**
 * Options of the
 * whole filter.
 */
@config
class AllConfig extends Base {
  name: string = "n";
  @values("info", "warn")
  level: string = "info";
  small: i32 = -5;
  count: u32 = 7;
  big: i64 = 0;
  huge: u64 = 0;
  ratio: f64 = 0.5;
  @range("1ms", "10s")
  wait: Duration = Duration.of("250ms");
  limit: Size = Size.of("16MiB");
  share: Percent = Percent.of(10);
  rate: Rate = Rate.of("100/s");
  tags: string[] = ["a", "b"];
  ports: u16[] = [];
  labels: Map<string, string> = new Map<string, string>();
  first: Rule = new Rule();
  maybe: Rule | null = null;
  note: string | null = null;
  rules: Rule[] = [];
  private hidden: i32 = 3;

  override check(): string | null {
    return this.name == this.level ? "name and level must differ" : null;
  }
  get text(): string {
    let out = this.enabled.toString() + " " + this.name + " " + this.level + " " + this.small.toString();
    out += " " + this.count.toString() + " " + this.big.toString() + " " + this.huge.toString();
    out += " " + this.ratio.toString() + " " + this.wait.nanos.toString() + " " + this.limit.bytes.toString();
    out +=
      " " + this.share.value.toString() + " " + this.rate.events.toString() + "/" + this.rate.periodNanos.toString();
    out += " " + this.tags.join("+") + " " + this.ports.join("+") + " " + this.labels.keys().join("+");
    out += " " + this.labels.values().join("+") + " " + this.first.path + this.first.percent.toString();
    const maybe = this.maybe;
    out += " " + (maybe ? maybe.path : "null") + " " + (this.note === null ? "null" : this.note!);
    for (let i = 0; i < this.rules.length; i++) out += " " + this.rules[i].path + this.rules[i].percent.toString();
    return out;
  }
}

class All extends HttpFilter {
  constructor(private config: AllConfig) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    log.info(this.config.text);
    return Flow.Continue;
  }
}
definePlugin<AllConfig, All>("all");
