// A data thread's composition root: builds what a snapshot describes beside what runs, reports, switches when the epoch
// word moves, and lets the old go. The only place on this side that constructs more than one room.
import type { Clock } from "../base/clock.ts";
import { collectGarbage } from "../base/collect-garbage.ts";
import { problemError, toProblems } from "../base/problem.ts";
import type { DataLink } from "../link/link.ts";
import type { PrepareMessage, ReportParts, SnapshotMessage, ThreadReport, ToData } from "../link/messages.ts";
import type { TapMessage } from "../link/tap.ts";
import type { Program } from "../module/component/program.ts";
import { Generation } from "../plugin/generation.ts";
import type { PluginServices } from "../plugin/services.ts";
import type { Cluster } from "../upstream/cluster.ts";
import { filterSamples } from "./filter-samples.ts";
import type { Front } from "./front.ts";
import type { Recordings } from "./record/recordings.ts";
import type { Taps } from "./tap/taps.ts";
import { ArmLedger } from "./arm-ledger.ts";
import { checkProtocols } from "./protocol-check.ts";
import { handOverStates } from "./hand-over.ts";
import { Snapshot } from "./snapshot.ts";

export interface DataPlaneOptions {
  readonly link: DataLink;
  readonly clock: Clock;
  /** Int32 word: the committed epoch, stored by the control side. */
  readonly epoch: Int32Array;
  readonly services: PluginServices;
  readonly front: Front;
  readonly taps: Taps;
  readonly recordings: Recordings;
  readonly setLogLevel: (level: number) => void;
  readonly stop: () => void;
}

const EMPTY: SnapshotMessage = { epoch: 0, listeners: [], clusters: [], generations: [], slots: [], drainTimeoutMs: 0 };

export class DataPlane {
  readonly #options: DataPlaneOptions;
  readonly #ledger: ArmLedger;
  readonly #modules = new Map<string, Program>();
  /** Every generation with an instance on this thread, draining ones included. */
  readonly #generations = new Map<string, Generation>();
  readonly #clusters = new Map<string, { readonly cluster: Cluster; readonly text: string }>();
  /** Built and reported, waiting for the epoch word. */
  readonly #prepared = new Map<number, Snapshot>();
  #current: Snapshot;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: DataPlaneOptions) {
    this.#options = options;
    this.#ledger = new ArmLedger((experiment, trial, harmed) =>
      options.link.send({ type: "alarm", experiment, trial, harmed }),
    );
    this.#current = this.#snapshot(EMPTY, new Map(), new Map());
    options.link.onMessage((message) => void this.#handle(message));
  }

  /** The snapshot a stream that begins now runs on: follows the epoch word, so that all threads switch at one moment. */
  current(): Snapshot {
    const epoch = Atomics.load(this.#options.epoch, 0);
    if (epoch !== this.#current.epoch) this.#advance(epoch);
    return this.#current;
  }

  /** The snapshot as it is: for guests in the middle of a callback, where no other can be taken up. */
  get settled(): Snapshot {
    return this.#current;
  }

  async #handle(message: ToData): Promise<void> {
    switch (message.type) {
      case "prepare":
        return this.#inOrder(() => this.#prepare(message));
      case "abandon":
        return this.#inOrder(() => this.#abandon(message.epoch));
      case "committed":
        return this.#inOrder(() => this.#advance(message.epoch));
      case "collect":
        return this.#options.link.send({ type: "collected", id: message.id, report: this.#report(message.what) });
      case "logLevel":
        return this.#options.setLogLevel(message.level);
      case "reopenLogs":
        return this.#options.front.reopenLogs();
      case "drain":
        await this.#options.front.drain(message.timeoutMs);
        return this.#options.link.send({ type: "drained" });
      case "queueReady":
        return this.#options.services.bell.ring(message.queue);
      case "taps":
        return this.#tap(message.taps);
      case "recordings":
        this.#options.recordings.set(message.recordings, this.#current.message.drainTimeoutMs);
        return this.#options.front.renewViews();
      case "gc":
        return collectGarbage();
      case "stop":
        // Pooled connections would keep the thread alive.
        for (const cluster of this.#current.clusters.values()) cluster.close();
        return this.#options.stop();
    }
  }

  /** Preparing waits for sockets; what comes meanwhile waits its turn. */
  #inOrder(task: () => Promise<void> | void): Promise<void> {
    this.#turn = this.#turn.then(task, task);
    return this.#turn;
  }

  async #prepare({ snapshot, modules, ports }: PrepareMessage): Promise<void> {
    const { link, front } = this.#options;
    for (const { key, module } of modules) this.#modules.set(key, module);
    const fresh: Generation[] = [];
    try {
      const generations = this.#buildGenerations(snapshot, fresh);
      const prepared = this.#snapshot(snapshot, generations, this.#buildClusters(snapshot));
      this.#prepared.set(snapshot.epoch, prepared);
      checkProtocols(snapshot, generations);
      const bound = await front.prepare(snapshot, ports, () => prepared);
      link.send({ type: "prepared", epoch: snapshot.epoch, ports: bound });
    } catch (error) {
      this.#abandon(snapshot.epoch);
      for (const generation of fresh) this.#drain(generation, 0);
      link.send({ type: "refused", epoch: snapshot.epoch, problems: toProblems(error) });
    }
  }

  /** Generations that run already are taken over; the others start now. */
  #buildGenerations(snapshot: SnapshotMessage, fresh: Generation[]): Map<string, Generation> {
    const built = new Map<string, Generation>();
    for (const message of snapshot.generations) {
      const known = this.#generations.get(message.key);
      if (known !== undefined && known.state === "live") {
        built.set(message.key, known);
        continue;
      }
      const module = this.#modules.get(message.moduleKey);
      if (module === undefined)
        throw problemError("state", "module_missing", `module ${message.moduleKey} was not sent to this thread`);
      const { options, overrides } = message;
      const configs = [...new Set([options.pluginConfig, ...Object.values(overrides)])];
      const generation = new Generation({ ...message, configs }, module, this.#options.services);
      fresh.push(generation);
      this.#generations.set(message.key, generation);
      built.set(message.key, generation);
    }
    return built;
  }

  /** Clusters with unchanged options keep their pools. */
  #buildClusters(snapshot: SnapshotMessage): Map<string, Cluster> {
    const built = new Map<string, Cluster>();
    for (const options of snapshot.clusters) {
      const text = JSON.stringify(options);
      const known = this.#clusters.get(options.name);
      const cluster = known?.text === text ? known.cluster : this.#options.front.newCluster(options);
      built.set(options.name, cluster);
    }
    return built;
  }

  #snapshot(message: SnapshotMessage, generations: Map<string, Generation>, clusters: Map<string, Cluster>): Snapshot {
    return new Snapshot({
      message,
      generations,
      clusters,
      ledger: this.#ledger,
      random: this.#options.services.random,
      released: (old) => this.#released(old),
    });
  }

  #abandon(epoch: number): void {
    const snapshot = this.#prepared.get(epoch);
    this.#prepared.delete(epoch);
    if (snapshot === undefined) return;
    snapshot.supersede();
    for (const [key, generation] of snapshot.generations) {
      if (!this.#current.generations.has(key)) this.#drain(generation, 0);
    }
    this.#options.front.abandon(this.#current.message);
  }

  #advance(epoch: number): void {
    const next = this.#prepared.get(epoch);
    if (next === undefined) return;
    this.#prepared.delete(epoch);
    const old = this.#current;
    handOverStates(old, next);
    this.#current = next;
    for (const [name, cluster] of next.clusters) {
      this.#clusters.set(name, { cluster, text: JSON.stringify(cluster.options) });
    }
    for (const [key, generation] of old.generations) {
      if (!next.generations.has(key)) this.#drain(generation, next.message.drainTimeoutMs);
    }
    this.#options.front.commit(next.message);
    this.#options.taps.settle(next.message.drainTimeoutMs);
    this.#options.recordings.settle(next.message.drainTimeoutMs);
    old.supersede();
  }

  #tap(taps: readonly TapMessage[]): void {
    const { front } = this.#options;
    this.#options.taps.set(taps, this.#current.message.drainTimeoutMs);
    front.renewViews();
  }

  #drain(generation: Generation, deadlineMs: number): void {
    const { key } = generation.spec;
    generation.drain(deadlineMs, () => {
      if (this.#generations.get(key) === generation) this.#generations.delete(key);
      this.#forgetModules();
      this.#options.link.send({ type: "retired", key });
    });
  }

  /** A retired generation's compiled module must not be kept alive here. */
  #forgetModules(): void {
    const used = new Set(
      [...this.#prepared.values(), this.#current].flatMap((held) =>
        held.message.generations.map((one) => one.moduleKey),
      ),
    );
    for (const key of this.#modules.keys()) if (!used.has(key)) this.#modules.delete(key);
  }

  #released(snapshot: Snapshot): void {
    for (const [name, cluster] of snapshot.clusters) {
      if (this.#current.clusters.get(name) !== cluster) cluster.close();
    }
  }

  /** Samples and counts are most of a report, and a swap asks several times without wanting them. */
  #report(what: ReportParts): ThreadReport {
    const { front } = this.#options;
    const isAll = what === "all";
    const generations = [...this.#generations.entries()].map(([key, one]) => ({
      key,
      state: one.state,
      streams: one.streams,
    }));
    return {
      samples: isAll ? [...front.samples(this.#ledger), ...filterSamples(this.#generations.values())] : [],
      arms: isAll ? this.#ledger.report() : [],
      unitMissing: isAll ? Object.fromEntries(this.#ledger.unitMissing) : {},
      tallies: what === "tallies" ? this.#ledger.takeTallies() : [],
      endpoints: front.endpoints(this.#current.clusters),
      listeners: front.listeners(),
      generations,
    };
  }
}
