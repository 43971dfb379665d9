// Drives filters through the host's own VM and chain over a fake transport and a virtual clock: what a filter meets here
// it meets in production. Every harness stands alone, so tests may run side by side.
import { VirtualClock } from "../base/clock.ts";
import { sha256Hex } from "../base/hash.ts";
import { type Random, seededRandom } from "../base/random.ts";
import type { ChainTemplate, StreamFacts } from "../chain/ports.ts";
import type { ArmCounts } from "../chain/slot.ts";
import type { MetricSample } from "../observe/samples.ts";
import type { Generation } from "../plugin/generation.ts";
import type { HandOverResult } from "../plugin/hand-over.ts";
import { privateState } from "../plugin/private-state.ts";
import type { FaultReport, PluginServices } from "../plugin/services.ts";
import { ConnectionState } from "../plugin/stream-notes.ts";
import { cutsOf, sameForAll } from "./chunkings.ts";
import { TestConnection } from "./connection.ts";
import { locate, type TestFault } from "./faults.ts";
import { type Failure, FaultScript, type ForeignAnswer } from "./injector.ts";
import { type FilterUnderTest, loadFilter, optionsOf } from "./load-filter.ts";
import { LoadedChain } from "./loaded-chain.ts";
import { FACTS, type HarnessOptions, type LoggedLine } from "./options.ts";
import { HarnessRecording } from "./recording.ts";
import { Recorder, type TracedPhase } from "./recorder.ts";
import { TestExchange, type RequestInput } from "./transport.ts";
import { ScriptedUpstream, Upstreams } from "./upstreams.ts";

export type { FilterUnderTest } from "./load-filter.ts";
export type { HarnessOptions, LoggedLine } from "./options.ts";

export class Harness {
  readonly clock: VirtualClock;
  readonly logs: LoggedLine[] = [];
  readonly faults: TestFault[] = [];
  /** What became of the state that filters handed over at reloads. */
  readonly handOvers: { readonly filter: string; readonly result: HandOverResult }[] = [];
  readonly #upstreams: Upstreams;
  readonly #state: ReturnType<typeof privateState>;
  readonly #services: PluginServices;
  readonly #random: Random;
  readonly #recorder: Recorder | null;
  readonly #script: FaultScript | null;
  readonly #filters: FilterUnderTest[];
  /** The one that serves, and those before it. */
  #loaded: LoadedChain;
  readonly #recording: HarnessRecording | null;
  #replaced: LoadedChain[] = [];
  #requests = 0;

  /** @throws ProblemError when a filter does not load or refuses its configuration */
  constructor(filters: readonly FilterUnderTest[], options: HarnessOptions = {}) {
    const { clock = "2030-01-01T00:00:00Z", seed = 1, inject = false, beside } = options;
    this.clock = beside?.clock ?? new VirtualClock(new Date(clock).getTime());
    this.#upstreams = new Upstreams(this.clock);
    this.#state =
      beside === undefined ? privateState((task) => void this.clock.after(0, task), this.clock) : beside.#state;
    this.#random = seededRandom(seed);
    this.#recording = options.record === true ? this.#newRecording(filters, options) : null;
    this.#recorder = options.trace === true && this.#recording === null ? new Recorder() : null;
    this.#script = inject === false ? null : new FaultScript(inject === "allocations");
    this.#services = this.#servicesOf(options);
    this.#filters = [...filters];
    this.#loaded = new LoadedChain(filters.map((filter) => this.#load(filter)));
  }

  #newRecording([filter]: readonly FilterUnderTest[], { logLevel = 0 }: HarnessOptions): HarnessRecording | null {
    if (filter === undefined) return null;
    return new HarnessRecording({ options: optionsOf(filter), sha256: sha256Hex(filter.wasm) }, this.clock, logLevel);
  }

  #servicesOf(options: HarnessOptions): PluginServices {
    const { logLevel = 0, dns, replyIgnored, overLimit, denied, trace, profile, node, system } = options;
    const given = typeof trace === "object" ? trace : undefined;
    const listener = this.#recording?.instance.recorder ?? given;
    return {
      clock: this.clock,
      random: this.#random,
      shared: this.#state.shared,
      queues: this.#state.queues,
      bell: this.#state.bell,
      metrics: this.#state.metrics,
      callouts: this.#upstreams,
      grpc: this.#upstreams.grpc,
      logLevel: () => logLevel,
      log: ({ level, filter, message }) => void this.logs.push({ level, filter, message }),
      faulted: (report) => this.#faulted(report),
      announceStreams: options.announceStreams ?? given !== undefined,
      clusters: (name) => this.#upstreams.view(name),
      worker: options.beside === undefined ? 1 : 2,
      ...(this.#script === null ? {} : { injector: this.#script }),
      ...(dns === undefined ? {} : { dns }),
      handedOver: (filter, result) => void this.handOvers.push({ filter, result }),
      ...(replyIgnored === undefined ? {} : { replyIgnored }),
      ...(overLimit === undefined ? {} : { overLimit }),
      ...(denied === undefined ? {} : { denied }),
      ...(listener === undefined ? {} : { trace: listener }),
      ...(profile === undefined ? {} : { profile }),
      ...(node === undefined ? {} : { node }),
      ...(system === undefined ? {} : { system }),
    };
  }

  #load(filter: FilterUnderTest): Generation {
    if (this.#recorder === null) return loadFilter(filter, this.#services);
    const story = this.#recorder.story(filter.name, optionsOf(filter).limits.fuel);
    const generation = loadFilter(filter, { ...this.#services, trace: story.trace });
    this.#recorder.add(generation, story);
    return generation;
  }

  #faulted(report: FaultReport): void {
    const filter = this.#filters.find((one) => one.name === report.filter);
    this.faults.push(locate(report, filter));
    this.#recording?.instance.faulted(report);
  }

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
    const next = this.#load(filter);
    before.handOverTo(next);
    this.#loaded = new LoadedChain(old.generations.with(at, next));
    this.#filters[at] = filter;
    this.#replaced = [...this.#replaced.filter((one) => one.open > 0), old];
    old.supersede(this.#loaded.generations);
  }

  /** The next calls of a host function fail. Needs `inject`; see Failure. */
  fail(call: string, status: number, more: Pick<Failure, "at"> = {}): void {
    this.#scripted().fail({ call, status, ...more });
  }

  /** What a foreign function answers. Needs `inject`. */
  foreign(name: string, answer: ForeignAnswer): void {
    this.#scripted().foreign(name, answer);
  }

  /** Nothing fails any more. */
  heal(): void {
    this.#scripted().heal();
  }

  /** What filters' allocators have been asked for by the host so far; needs `inject: "allocations"`. */
  get allocated(): { readonly calls: number; readonly bytes: number } {
    return { ...this.#scripted().allocated };
  }

  #scripted(): FaultScript {
    if (this.#script === null) throw new Error("this harness was made without { inject: true }");
    return this.#script;
  }

  /**
   * Runs `run` with `body` in one piece, cut in two everywhere, byte by byte and at random; the results must be equal.
   * @returns the result they have in common
   */
  chunkings<T>(body: string | Uint8Array, run: (chunks: readonly Buffer[]) => T): T {
    return sameForAll(cutsOf(Buffer.from(body as string), this.#random), run);
  }

  /** The newest callbacks of all filters, start-up included; empty without `trace`. */
  get trace(): readonly TracedPhase[] {
    return this.#recorder?.phases ?? [];
  }

  /** Items in a shared queue; -1 when there is none of that name. @param vmId default: the first filter's */
  queueSize(name: string, vmId = this.#vmId()): number {
    const id = this.#state.queues.resolve(vmId, name);
    return id === 0 ? -1 : this.#state.queues.stats(id).items;
  }

  /** A value of shared data as text, or null. @param vmId default: the first filter's */
  sharedData(key: string, vmId = this.#vmId()): string | null {
    const found = this.#state.shared.get(vmId, key);
    return found === undefined ? null : Buffer.from(found.value).toString();
  }

  #vmId(): string {
    return this.generations[0]?.spec.options.vmId ?? "";
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
    const { http: chain } = this.#loaded;
    exchange.seen(this.calls, this.faults);
    const watch = this.#recording?.watch(exchange.facts) ?? this.#recorder?.watch(exchange.trace);
    exchange.attach(watch === undefined ? chain.open(exchange) : chain.openWatched(exchange, watch));
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

  /** HTTP call-outs that wait for their answer. */
  get pendingCalls(): number {
    return this.#upstreams.pending;
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
