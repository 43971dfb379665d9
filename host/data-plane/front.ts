// The network side of a data thread: listeners, clusters, access logs and their metrics, as the snapshots want them.
// DataPlane tells it what to prepare, commit and abandon; it asks back only for the snapshot of a new stream.
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { TimerWheel } from "../base/timer-wheel.ts";
import type { SnapshotMessage, EndpointReport } from "../link/messages.ts";
import { startListener, type RunningListener } from "../net/listener.ts";
import type { ListenerOptions } from "../net/options.ts";
import type { ListenerView } from "../net/ports.ts";
import { AccessLog, formatAccess, type AccessFormat } from "../observe/access-log.ts";
import type { MetricRegistry } from "../observe/metrics.ts";
import type { MetricSample } from "../observe/samples.ts";
import { Cluster } from "../upstream/cluster.ts";
import type { ClusterOptions } from "../upstream/options.ts";
import type { ArmLedger } from "./arm-ledger.ts";
import { armSamples } from "./arm-samples.ts";
import type { ListenerPlan, Snapshot } from "./snapshot.ts";

export interface FrontOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly wheel: TimerWheel;
  readonly registry: MetricRegistry;
  /** The snapshot a stream that begins now runs on. */
  readonly current: () => Snapshot;
  /** Several threads share the port (SO_REUSEPORT). */
  readonly reusePort: boolean;
}

interface Opened {
  readonly listener: RunningListener;
  readonly options: ListenerOptions;
  /** Views by snapshot, so that a stream costs one look-up. */
  view: { readonly snapshot: Snapshot; readonly view: ListenerView } | null;
  log: OpenedLog;
}

interface OpenedLog {
  /** The options it was opened with, as JSON. */
  readonly text: string;
  readonly format: AccessFormat;
  readonly log: AccessLog | null;
}

export class Front {
  readonly #options: FrontOptions;
  readonly #opened = new Map<string, Opened>();
  #draining = false;

  constructor(options: FrontOptions) {
    this.#options = options;
  }

  newCluster(options: ClusterOptions): Cluster {
    const { clock, random, wheel, registry } = this.#options;
    return new Cluster(options, { clock, random, wheel, registry });
  }

  /** Opens the listeners that are not open yet. Answers every port. @throws when an address cannot be bound */
  async prepare(
    message: SnapshotMessage,
    ports: Readonly<Record<string, number>>,
    prepared: () => Snapshot,
  ): Promise<Record<string, number>> {
    const bound: Record<string, number> = {};
    for (const options of message.listeners) {
      const open =
        this.#opened.get(options.name) ?? (await this.#open(options, ports[options.name] ?? options.port, prepared));
      bound[options.name] = open.listener.port;
    }
    return bound;
  }

  async #open(options: ListenerOptions, port: number, prepared: () => Snapshot): Promise<Opened> {
    const { name } = options;
    const slot: { opened: Opened | null } = { opened: null };
    const listener = await startListener({
      options,
      port,
      view: () => this.#view(name, slot.opened, prepared),
      clock: this.#options.clock,
      random: this.#options.random,
      wheel: this.#options.wheel,
      registry: this.#options.registry,
      reusePort: this.#options.reusePort,
    });
    const opened: Opened = { listener, options, view: null, log: this.#openLog(options) };
    slot.opened = opened;
    this.#opened.set(name, opened);
    return opened;
  }

  /** Until its first commit a new listener serves with the snapshot that brought it. */
  #view(name: string, opened: Opened | null, prepared: () => Snapshot): ListenerView {
    const current = this.#options.current();
    const snapshot = current.listeners.has(name) ? current : prepared();
    if (opened !== null && opened.view?.snapshot === snapshot) return opened.view.view;
    const plan = snapshot.listeners.get(name);
    if (plan === undefined) throw new Error(`listener ${name} is in no snapshot`);
    const view = viewOf(plan, snapshot, () => opened?.log ?? null);
    if (opened !== null) opened.view = { snapshot, view };
    return view;
  }

  /** What left the configuration stops listening; what changed its access log reopens it. */
  commit(message: SnapshotMessage): void {
    const wanted = new Map(message.listeners.map((options) => [options.name, options]));
    for (const [name, opened] of this.#opened) {
      const options = wanted.get(name);
      if (options === undefined) this.#close(name, opened);
      else if (opened.log.text !== JSON.stringify(options.accessLog)) {
        opened.log.log?.close();
        opened.log = this.#openLog(options);
      }
    }
  }

  /** A prepared snapshot was given up: its new listeners go. */
  abandon(current: SnapshotMessage): void {
    this.commit(current);
  }

  #openLog({ accessLog }: ListenerOptions): OpenedLog {
    const text = JSON.stringify(accessLog);
    if (accessLog === null) return { text, format: "json", log: null };
    const { clock, registry } = this.#options;
    const dropped = registry.counter({ name: "sluice_access_log_dropped_total", help: "Access log lines given up" });
    return { text, format: accessLog.format, log: new AccessLog({ path: accessLog.path, clock, dropped }) };
  }

  #close(name: string, opened: Opened): void {
    this.#opened.delete(name);
    opened.log.log?.close();
    void opened.listener.drain(0);
  }

  async drain(timeoutMs: number): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    const all = [...this.#opened.values()];
    await Promise.all(all.map(({ listener }) => listener.drain(timeoutMs)));
    for (const { log } of all) log.log?.close();
  }

  reopenLogs(): void {
    for (const opened of this.#opened.values()) {
      opened.log.log?.close();
      opened.log = this.#openLog(opened.options);
    }
  }

  samples(ledger: ArmLedger): readonly MetricSample[] {
    return [...this.#options.registry.collect(), ...armSamples(ledger.report())];
  }

  endpoints(clusters: ReadonlyMap<string, Cluster>): readonly EndpointReport[] {
    return [...clusters.values()].flatMap((cluster) => cluster.status());
  }

  listeners(): readonly { readonly name: string; readonly address: string; readonly connections: number }[] {
    return [...this.#opened].map(([name, { listener }]) => ({
      name,
      address: `${listener.address}:${listener.port}`,
      connections: listener.connections,
    }));
  }
}

function viewOf(plan: ListenerPlan, snapshot: Snapshot, log: () => OpenedLog | null): ListenerView {
  return {
    routes: plan.routes,
    chainFor: (route) => (route === null ? plan.unrouted : (plan.byRoute.get(route) ?? plan.unrouted)),
    cluster: (name) => snapshot.clusters.get(name),
    finished(facts, request) {
      const open = log();
      if (open !== null && open.log !== null) open.log.write(formatAccess(open.format, facts, request));
    },
  };
}
