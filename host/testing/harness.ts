// Drives filters through the host's own VM and chain over a fake transport and a virtual clock: what a filter meets here
// it meets in production. Every harness stands alone, so tests may run side by side.
import type { DnsPort } from "../plugin/dns-queries.ts";
import { VirtualClock } from "../base/clock.ts";
import { sha256Hex } from "../base/hash.ts";
import { seededRandom } from "../base/random.ts";
import type { ChainTemplate, StreamFacts } from "../chain/ports.ts";
import type { ArmCounts } from "../chain/slot.ts";
import type { MetricSample } from "../observe/samples.ts";
import type { Generation } from "../plugin/generation.ts";
import type { HandOverResult } from "../plugin/hand-over.ts";
import { ConnectionState } from "../plugin/stream-notes.ts";
import { privateState } from "../plugin/private-state.ts";
import type { FaultReport, NodeIdentity, PluginServices, SystemLoad } from "../plugin/services.ts";
import type { ProfileName } from "../vm/profile-name.ts";
import type { VmTrace } from "../vm/trace.ts";
import { TestConnection } from "./connection.ts";
import { type FilterUnderTest, loadFilter, optionsOf } from "./load-filter.ts";
import { LoadedChain } from "./loaded-chain.ts";
import { HarnessRecording } from "./recording.ts";
import { TestExchange, type RequestInput } from "./transport.ts";
import { ScriptedUpstream, Upstreams } from "./upstreams.ts";

export interface HarnessOptions {
  /** Wall time at birth: ISO 8601 or ms since the epoch. Default 2030-01-01T00:00:00Z. */
  readonly clock?: string | number;
  /** Of the random source. Default 1. */
  readonly seed?: number;
  /** Lowest level that filters see logged, 0..5. Default 0. */
  readonly logLevel?: number;
  /** Which host the filters meet: this one, Envoy's part of it, or the least there is. Default sluice. */
  readonly profile?: ProfileName;
  /** Behind the properties `xds.node.*`. Default: not there. */
  readonly node?: NodeIdentity;
  /** Behind the properties `sluice.system.*`. Default: not there. */
  readonly system?: SystemLoad;
  /** Hears of local replies that nobody could be given. */
  readonly replyIgnored?: (filter: string) => void;
  /** Hears of limits that a filter met, and of rights it does not have. */
  readonly overLimit?: (filter: string, limit: string) => void;
  readonly denied?: (filter: string, right: string) => void;
  /** Answers look-ups of names. Default: filters look up none. */
  readonly dns?: DnsPort;
  /** Hears every call between host and guest. */
  readonly trace?: VmTrace;
  /** Everything that happens to the (only) filter is kept as a recording: {@link Harness.recording}. */
  readonly record?: boolean;
  /** Filters hear of a stream before its first callback, as in Envoy. Default: with `trace`. */
  readonly announceStreams?: boolean;
}

export interface LoggedLine {
  readonly level: number;
  readonly filter: string;
  readonly message: string;
}

const FACTS: Omit<StreamFacts, "requestId" | "startNanos" | "startMs" | "connectionId" | "connectionState"> = {
  protocol: "HTTP/1.1",
  scheme: "http",
  listener: "test",
  sourceAddress: "127.0.0.1",
  sourcePort: 40_000,
  destinationAddress: "127.0.0.1",
  destinationPort: 8080,
  routeName: "default",
  clusterName: "test",
  upstreamAddress: "",
  upstreamPort: 0,
  attempts: 0,
  responseCode: 0,
  responseFlags: "",
  responseCodeDetails: "",
  requestBytes: 0,
  responseBytes: 0,
  requestHeaderBytes: 0,
  durationMs: 0,
  upstreamMs: 0,
  arms: "",
  notes: null,
  upstreamEndpoint: null,
};

export class Harness {
  readonly clock: VirtualClock;
  readonly logs: LoggedLine[] = [];
  readonly faults: FaultReport[] = [];
  /** What became of the state that filters handed over at reloads. */
  readonly handOvers: { readonly filter: string; readonly result: HandOverResult }[] = [];
  readonly #upstreams: Upstreams;
  readonly #state: ReturnType<typeof privateState>;
  readonly #services: PluginServices;
  /** The one that serves, and those before it. */
  #loaded: LoadedChain;
  readonly #replaced: LoadedChain[] = [];
  readonly #recording: HarnessRecording | null;
  #requests = 0;

  /** @throws ProblemError when a filter does not load or refuses its configuration */
  constructor(filters: readonly FilterUnderTest[], options: HarnessOptions = {}) {
    const { clock = "2030-01-01T00:00:00Z", seed = 1, logLevel = 0 } = options;
    this.clock = new VirtualClock(new Date(clock).getTime());
    this.#upstreams = new Upstreams(this.clock);
    this.#state = privateState((task) => void this.clock.after(0, task), this.clock);
    const [recorded] = filters;
    this.#recording =
      options.record === true && recorded !== undefined
        ? new HarnessRecording({ options: optionsOf(recorded), sha256: sha256Hex(recorded.wasm) }, this.clock, logLevel)
        : null;
    const trace = this.#recording?.instance.recorder ?? options.trace;
    this.#services = {
      clock: this.clock,
      random: seededRandom(seed),
      shared: this.#state.shared,
      queues: this.#state.queues,
      bell: this.#state.bell,
      metrics: this.#state.metrics,
      callouts: this.#upstreams,
      grpc: this.#upstreams.grpc,
      ...(options.dns === undefined ? {} : { dns: options.dns }),
      logLevel: () => logLevel,
      log: ({ level, filter, message }) => void this.logs.push({ level, filter, message }),
      faulted: (report) => {
        this.faults.push(report);
        this.#recording?.instance.faulted(report);
      },
      ...(options.replyIgnored === undefined ? {} : { replyIgnored: options.replyIgnored }),
      ...(options.overLimit === undefined ? {} : { overLimit: options.overLimit }),
      ...(options.denied === undefined ? {} : { denied: options.denied }),
      ...(trace === undefined ? {} : { trace }),
      announceStreams: options.announceStreams ?? options.trace !== undefined,
      ...(options.profile === undefined ? {} : { profile: options.profile }),
      handedOver: (filter, result) => void this.handOvers.push({ filter, result }),
      clusters: (name) => this.#upstreams.view(name),
      worker: 1,
      ...(options.node === undefined ? {} : { node: options.node }),
      ...(options.system === undefined ? {} : { system: options.system }),
    };
    this.#loaded = new LoadedChain(filters.map((filter) => loadFilter(filter, this.#services)));
  }

  /** The filters that serve new streams. */
  get generations(): readonly Generation[] {
    return this.#loaded.generations;
  }

  get counts(): readonly ArmCounts[] {
    return this.#loaded.counts;
  }

  /**
   * A new version of one filter, as a reload brings it: streams that run finish on the old one, state is handed over.
   * @throws ProblemError when it does not load or refuses its configuration; the old one goes on
   */
  reload(filter: FilterUnderTest): void {
    const old = this.#loaded;
    const at = old.generations.findIndex(({ spec }) => spec.options.name === filter.name);
    const before = old.generations[at];
    if (before === undefined) throw new Error(`there is no filter ${filter.name} to reload`);
    const next = loadFilter(filter, this.#services);
    before.handOverTo(next);
    this.#loaded = new LoadedChain(old.generations.with(at, next));
    this.#replaced.push(old);
    old.supersede(this.#loaded.generations);
  }

  /** Scripts the answers of a cluster; also makes the cluster known. */
  upstream(cluster: string): ScriptedUpstream {
    return this.#upstreams.get(cluster);
  }

  get calls() {
    return this.#upstreams.calls;
  }

  /** gRPC calls and streams of filters, in the order they began. */
  get grpcCalls() {
    return this.#upstreams.grpc.calls;
  }

  /** The filters as a listener has them, for tests on real sockets. */
  get chain(): ChainTemplate {
    return this.#loaded.http;
  }

  /** Begins an exchange without sending anything: for tests that go step by step. */
  open(requestId?: string): TestExchange {
    const facts = this.#facts();
    const exchange = new TestExchange({ ...facts, requestId: requestId ?? `test-${facts.connectionId}` });
    const watch = this.#recording?.watch(exchange.facts);
    const { http } = this.#loaded;
    exchange.attach(watch === undefined ? http.open(exchange) : http.openWatched(exchange, watch));
    return exchange;
  }

  /** A client connects to a TCP listener. @param facts what else is known: `{ sourceAddress: "10.0.0.7" }` */
  connect(facts: Partial<StreamFacts> = {}): TestConnection {
    const connection = new TestConnection({ ...this.#facts(), protocol: "TCP", scheme: "", routeName: "", ...facts });
    return connection.attach(this.#loaded.tcp.open(connection));
  }

  #facts(): StreamFacts {
    const connectionId = ++this.#requests;
    const { clock } = this;
    const times = { startNanos: clock.nowNanos(), startMs: clock.nowMs() };
    return { ...FACTS, ...times, requestId: "", connectionId, connectionState: new ConnectionState() };
  }

  /** Sends a whole request through the chain; the upstream has not answered yet. */
  request(input: RequestInput = {}): TestExchange {
    const exchange = this.open(input.requestId);
    Object.assign(exchange.facts, input.facts);
    exchange.send(input);
    return exchange;
  }

  metrics(): readonly MetricSample[] {
    return this.#state.metrics.collect();
  }

  /** The value of a filter's counter or gauge, summed over labels; 0 when it was never defined. */
  metric(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const wanted = this.metrics().filter(
      (sample) =>
        sample.name.endsWith(name) && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    );
    return wanted.reduce((sum, { value }) => sum + (typeof value === "number" ? value : value.sum), 0);
  }

  /** Everything so far as a recording (JSONL), with `record: true`; exchanges that have not ended are not compared. */
  recording(): string {
    if (this.#recording === null) throw new Error("make the harness with { record: true }");
    return this.#recording.text();
  }

  /** What should be empty when every exchange has ended. */
  leaks(): { readonly streams: number; readonly contexts: number } {
    const all = [this.#loaded, ...this.#replaced];
    const generations = new Set(all.flatMap((chain) => chain.generations));
    return {
      streams: all.reduce((sum, { open }) => sum + open, 0),
      contexts: [...generations].reduce((sum, generation) => sum + generation.streams, 0),
    };
  }

  /** Linear memory of all instances, bytes. */
  memoryBytes(): number {
    return this.generations.reduce((sum, generation) => sum + generation.memoryBytes, 0);
  }

  close(): void {
    for (const generation of this.generations) generation.drain(0, () => {});
    for (const generation of this.generations) generation.unhold();
  }
}
