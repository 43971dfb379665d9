// Counters, gauges and histograms. Declared anywhere (also at the top level), *defined* with the host in
// proxy_on_vm_start and proxy_on_configure: stock hosts refuse proxy_define_metric during start-up (abi.md 3.1).
// Labels travel in the name, as Istio writes them: `name;.;key=.=value;.;key=.=value;.;`
import * as metric from "./abi/metric";
import * as env from "./env";
import { onDefine } from "./hooks";
import { accepted } from "./host-status";
import { generation, out } from "./scratch";
import { encode, encodedSize } from "./text/utf8";

/** Most series one metric may have; what comes later is counted under the label value "other". */
export const SERIES_LIMIT: i32 = 1000;
const NEXT = ";.;";
const IS = "=.=";
const OTHER = "other";

/** Head of the list of metrics that wait for the start of the VM. */
let declared: Metric | null = null;

/** For the dispatcher, through hooks.ts: host calls are allowed now. */
function defineMetrics(): void {
  let next: Metric | null = declared;
  while (next) {
    next.define();
    next = next.next;
  }
  declared = null;
}

function declare(metric: Metric): void {
  metric.next = declared;
  declared = metric;
}

/** What the three kinds share. */
export abstract class Metric {
  /** The host's id; 0 before it is defined. */
  protected id: u32 = 0;
  /** The next one that waits. */
  next: Metric | null = null;

  constructor(
    /** Full name, labels included. */
    public name: string,
    private kind: u32,
  ) {
    // generation 0 is start-up, where hosts refuse the call.
    if (generation) this.define();
    else {
      onDefine(defineMetrics);
      declare(this);
    }
  }
  /** For `defineMetrics`. */
  define(): void {
    const name = encode(this.name);
    if (accepted(env.proxy_define_metric(this.kind, name, encodedSize, out))) this.id = load<u32>(out);
  }
  /** The current value, over all workers. Not for histograms. */
  get value(): u64 {
    return accepted(env.proxy_get_metric(this.id, out)) ? load<u64>(out) : 0;
  }
  /** Name of the series with one more label. */
  labelled(key: string, value: string): string {
    const name = this.name.endsWith(NEXT) ? this.name : this.name + NEXT;
    return name + key + IS + value.replaceAll(NEXT, ";_;") + NEXT;
  }
}

/** The series of one metric by label; ids stay, so a label costs one map look-up. */
class Series<M extends Metric> {
  private known: Map<string, M> = new Map<string, M>();

  /** The series of `parent` with this label, made at first use. */
  of(parent: M, key: string, value: string): M {
    const label = key + IS + value;
    if (this.known.has(label)) return this.known.get(label);
    if (this.known.size >= SERIES_LIMIT && value != OTHER) return this.of(parent, key, OTHER);
    const made = instantiate<M>(parent.labelled(key, value));
    this.known.set(label, made);
    return made;
  }
}

/** Goes up only. */
export class Counter extends Metric {
  private series: Series<Counter> | null = null;

  constructor(name: string) {
    super(name, metric.COUNTER);
  }
  /** Adds `count` (> 0). */
  add(count: i64 = 1): bool {
    return accepted(env.proxy_increment_metric(this.id, count));
  }
  /** The series with this label. Beyond SERIES_LIMIT all go to "other". */
  with(key: string, value: string): Counter {
    let series = this.series;
    if (series === null) this.series = series = new Series<Counter>();
    return series.of(this, key, value);
  }
}

/** Goes up and down. */
export class Gauge extends Metric {
  private series: Series<Gauge> | null = null;

  constructor(name: string) {
    super(name, metric.GAUGE);
  }
  /** Adds `delta`, which may be negative. */
  add(delta: i64 = 1): bool {
    return accepted(env.proxy_increment_metric(this.id, delta));
  }
  /** Sets the value. */
  set(value: u64): bool {
    return accepted(env.proxy_record_metric(this.id, value));
  }
  /** The series with this label. */
  with(key: string, value: string): Gauge {
    let series = this.series;
    if (series === null) this.series = series = new Series<Gauge>();
    return series.of(this, key, value);
  }
}

/** A distribution of values, in the unit its name says. */
export class Histogram extends Metric {
  private series: Series<Histogram> | null = null;

  constructor(name: string) {
    super(name, metric.HISTOGRAM);
  }
  /** Observes one value. */
  record(value: u64): bool {
    return accepted(env.proxy_record_metric(this.id, value));
  }
  /** The series with this label. */
  with(key: string, value: string): Histogram {
    let series = this.series;
    if (series === null) this.series = series = new Series<Histogram>();
    return series.of(this, key, value);
  }
}
