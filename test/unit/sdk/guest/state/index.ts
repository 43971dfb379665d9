// Everything that outlives a callback: timers, queues, shared data, metrics, a root. Requests say what to do.
export * from "@sluice/sdk/proxy";
import {
  Bytes,
  Config,
  counterAdd,
  Counter,
  definePluginWithRoot,
  Flow,
  foreignArguments,
  Gauge,
  gcra,
  Histogram,
  HttpFilter,
  lastStatus,
  log,
  Queue,
  RequestHead,
  Root,
  SharedData,
  Task,
  Timer,
  Updater,
  writeSnapshot,
} from "@sluice/sdk";

const served = new Counter("served_total");
const depth = new Gauge("depth");
const times = new Histogram("times_ms");

@config
class StateConfig extends Config {
  name: string = "one";
  everyMs: u32 = 0;
  refuse: bool = false;
}

class Say extends Task {
  constructor(private text: string) {
    super();
  }
  run(): void {
    log.info(this.text);
  }
}

class StateRoot extends Root<StateConfig> {
  override onConfigure(config: StateConfig): string | null {
    if (config.refuse) return "refused by the root";
    if (config.everyMs) Timer.every(config.everyMs, new Say("beat " + config.name));
    depth.set(3);
    Queue.register("work");
    return null;
  }
  override onQueue(queue: u32): void {
    const work = Queue.resolve("work")!;
    for (let item = work.dequeue(); item; item = work.dequeue()) log.info("item " + item.toString());
  }
  override onSnapshot(): void {
    log.info("snapshot " + writeSnapshot(Bytes.from("state")).toString());
  }
  override onRestore(size: u32): bool {
    log.info("restore " + size.toString() + " " + foreignArguments().toString());
    return size > 0;
  }
  override onDone(): bool {
    log.info("root done");
    return false;
  }
}

class Append extends Updater {
  next(old: Bytes | null): Bytes | null {
    return Bytes.from((old ? old.toString() : "") + "+");
  }
}

class State extends HttpFilter {
  constructor(private config: StateConfig) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    const path = request.pathOnly;
    if (path == "/name") request.headers.set("x-name", this.config.name);
    else if (path == "/after") Timer.after(50, new Say("late " + this.id.toString()));
    else if (path == "/update") log.info("updated " + SharedData.update("k", new Append()).toString());
    else if (path == "/get") this.show();
    else if (path == "/metric") this.measure(request);
    else if (path == "/gcra") this.limit();
    else if (path == "/count") log.info("count " + counterAdd("hits", 2).toString());
    else if (path == "/enqueue") Queue.resolve("work")!.enqueue(Bytes.from("a job"));
    else if (path == "/delete") log.info("deleted " + SharedData.delete("k").toString());
    else if (path == "/ttl") log.info("kept " + SharedData.setFor("t", Bytes.from("v"), 1000).toString());
    return Flow.Continue;
  }
  private show(): void {
    const entry = SharedData.get("k");
    log.info(entry ? "value " + entry.value.toString() : "none " + lastStatus().toString());
  }
  private measure(request: RequestHead): void {
    served.with("route", request.queryParam("r")!).add();
    times.record(12);
    depth.add(-1);
    log.info("served " + served.value.toString());
  }
  private limit(): void {
    const verdict = gcra("k", 2, 1000000000, 2);
    const left = verdict.remaining.toString();
    log.info((verdict.allowed ? "ok " : "no ") + left + " " + verdict.retryAfterNanos.toString());
  }
}
definePluginWithRoot<StateConfig, State, StateRoot>("state");
