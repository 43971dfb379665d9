// The network side of a data thread: listeners, clusters, access logs and their metrics, as the snapshots want them.
// DataPlane tells it what to prepare, commit and abandon; it asks back only for the snapshot of a new stream.
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { TimerWheel } from "../base/timer-wheel.ts";
import type { StreamFacts } from "../chain/ports.ts";
import type { SnapshotMessage, EndpointReport, ThreadReport } from "../link/messages.ts";
import type { FilterChain } from "../chain/template.ts";
import type { ConnectionBudget } from "../net/connection-budget.ts";
import { NO_REQUEST } from "../net/refused.ts";
import { httpProtocol } from "../net/http1/protocol.ts";
import { startListener, type RunningListener } from "../net/listener.ts";
import type { ListenerOptions } from "../net/options.ts";
import type { ListenerView } from "../net/ports.ts";
import type { TlsAcceptor } from "../net/tls/acceptor.ts";
import { TlsAcceptors } from "../net/tls/acceptors.ts";
import { tlsProtocol } from "../net/tls/protocol.ts";
import { proxyProtocol } from "../net/proxy-protocol/protocol.ts";
import type { Protocol } from "../net/protocol.ts";
import { type TcpView, tcpProtocol } from "../net/tcp/protocol.ts";
import { AccessLog, formatAccess, formatConnection, type AccessFormat } from "../observe/access-log.ts";
import type { MetricRegistry } from "../observe/metrics.ts";
import type { MetricSample } from "../observe/samples.ts";
import type { RouteOptions } from "../route/options.ts";
import { Cluster } from "../upstream/cluster.ts";
import type { ClusterOptions } from "../upstream/options.ts";
import type { ArmLedger } from "./arm-ledger.ts";
import { armSamples } from "./arm-samples.ts";
import type { ListenerPlan, Snapshot } from "./snapshot.ts";
import type { Recordings } from "./record/recordings.ts";
import type { Taps } from "./tap/taps.ts";

export interface FrontOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly wheel: TimerWheel;
  readonly registry: MetricRegistry;
  /** The snapshot a stream that begins now runs on. */
  readonly current: () => Snapshot;
  /** Several threads share the port (SO_REUSEPORT). */
  readonly reusePort: boolean;
  /** See ThreadInit. */
  readonly ticketKeys: Uint8Array;
  readonly taps: Taps;
  readonly budget: ConnectionBudget;
  readonly recordings: Recordings;
}

/** What streams of a listener begin with; `tcp` is set when it carries connections. */
interface View {
  readonly http: ListenerView;
  readonly tcp: TcpView | null;
  readonly tls: TlsAcceptor | null;
}

interface Opened {
  readonly listener: RunningListener;
  options: ListenerOptions;
  /** The view of the newest snapshot that was asked for, so that a stream costs one look-up. */
  view: { readonly snapshot: Snapshot; readonly view: View } | null;
  log: OpenedLog;
  /** It left the configuration: what still comes over its connections is served as it last was. */
  leaving: boolean;
}

interface OpenedLog {
  /** The options it was opened with, as JSON. */
  readonly text: string;
  readonly format: AccessFormat;
  readonly log: AccessLog | null;
}

const OVER_BUDGET = {
  name: "sluice_process_cx_overflow_total",
  help: "Connections closed at once because the process has as many as it may have",
};

export class Front {
  readonly #options: FrontOptions;
  /** By name and address: a listener that moves is another listener. */
  readonly #opened = new Map<string, Opened>();
  readonly #acceptors: TlsAcceptors;
  #draining = false;

  constructor(options: FrontOptions) {
    this.#options = options;
    this.#acceptors = new TlsAcceptors(Buffer.from(options.ticketKeys));
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
    for (const options of message.listeners) this.#acceptors.prepare(options);
    for (const options of message.listeners) {
      const port = options.port === 0 ? (ports[options.name] ?? 0) : options.port;
      const open = this.#opened.get(keyOf(options)) ?? (await this.#open(options, port, prepared));
      bound[options.name] = open.listener.port;
    }
    return bound;
  }

  async #open(options: ListenerOptions, port: number, prepared: () => Snapshot): Promise<Opened> {
    const slot: { opened: Opened | null } = { opened: null };
    const view = (): View => this.#view(options.name, slot.opened, prepared);
    const { clock, reusePort, budget, registry } = this.#options;
    const overBudget = registry.counter(OVER_BUDGET, { listener: options.name });
    const protocol = this.#protocol(options, view);
    const listener = await startListener({ options, port, protocol, clock, reusePort, budget, overBudget });
    const opened: Opened = { listener, options, view: null, log: this.#openLog(options), leaving: false };
    slot.opened = opened;
    this.#opened.set(keyOf(options), opened);
    return opened;
  }

  #protocol(options: ListenerOptions, view: () => View): Protocol {
    const { clock, random, wheel, registry } = this.#options;
    const common = { options, clock, wheel, registry };
    const acceptor = (): TlsAcceptor | null => view().tls;
    if (options.tcp !== undefined) {
      const plain = tcpProtocol({ ...common, view: () => tcpOf(view()) });
      const refused = (facts: StreamFacts): void => tcpOf(view()).finished(facts);
      return proxyProtocol({
        ...common,
        refused,
        inner: tlsProtocol({ ...common, plain, byAlpn: {}, acceptor, refused }),
      });
    }
    const plain = httpProtocol({ ...common, random, view: () => view().http });
    const refused = (facts: StreamFacts): void => view().http.finished(facts, NO_REQUEST);
    const byAlpn = { "http/1.1": plain, h2: plain };
    return proxyProtocol({ ...common, refused, inner: tlsProtocol({ ...common, plain, byAlpn, acceptor, refused }) });
  }

  /** Until its first commit a new listener serves with the snapshot that brought it. */
  #view(name: string, opened: Opened | null, prepared: () => Snapshot): View {
    if (opened !== null && opened.leaving && opened.view !== null) return opened.view.view;
    const current = this.#options.current();
    const snapshot = current.listeners.has(name) ? current : prepared();
    if (opened !== null && opened.view?.snapshot === snapshot) return opened.view.view;
    const plan = snapshot.listeners.get(name);
    if (plan === undefined) throw new Error(`listener ${name} is in no snapshot`);
    const { taps, recordings } = this.#options;
    const around = { log: () => opened?.log ?? null, taps, recordings };
    const view = { ...viewOf(plan, snapshot, around), tls: this.#acceptors.of(plan.options) };
    if (opened !== null) opened.view = { snapshot, view };
    return view;
  }

  /** The first tap was opened or the last one closed: requests that begin now are served accordingly. */
  renewViews(): void {
    for (const opened of this.#opened.values()) opened.view = null;
  }

  /** What left the configuration stops listening; limits apply to what begins now; a changed access log is reopened. */
  commit(message: SnapshotMessage): void {
    const wanted = new Map(message.listeners.map((options) => [keyOf(options), options]));
    for (const [key, opened] of this.#opened) {
      const options = wanted.get(key);
      if (options === undefined) this.#leave(key, opened, message.drainTimeoutMs);
      else this.#change(opened, options);
    }
  }

  #change(opened: Opened, options: ListenerOptions): void {
    opened.options = options;
    opened.listener.configure(options);
    if (opened.log.text === JSON.stringify(options.accessLog)) return;
    opened.log.log?.close();
    opened.log = this.#openLog(options);
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

  #leave(key: string, opened: Opened, drainTimeoutMs: number): void {
    this.#opened.delete(key);
    opened.leaving = true;
    // The snapshot it last served with must not be let go while connections remain.
    const last = opened.view?.snapshot;
    last?.streamBegan();
    void opened.listener.drain(drainTimeoutMs).then(() => {
      last?.streamEnded();
      opened.log.log?.close();
    });
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

  listeners(): ThreadReport["listeners"] {
    return [...this.#opened.values()].map(({ listener, options }) => ({
      name: options.name,
      address: `${listener.address}:${listener.port}`,
      connections: listener.connections,
      protocol: protocolOf(options),
      ...(options.tls === undefined ? {} : { tls: true as const }),
    }));
  }
}

const protocolOf = ({ tcp }: ListenerOptions): "http" | "tcp" => (tcp === undefined ? "http" : "tcp");
const keyOf = (options: ListenerOptions): string =>
  `${options.name} ${options.host}:${options.port} ${protocolOf(options)}`;

function tcpOf({ tcp }: View): TcpView {
  if (tcp === null) throw new Error("an HTTP listener carries no TCP");
  return tcp;
}

interface Around {
  readonly log: () => OpenedLog | null;
  readonly taps: Taps;
  readonly recordings: Recordings;
}

function viewOf(plan: ListenerPlan, snapshot: Snapshot, { log, taps, recordings }: Around): Omit<View, "tls"> {
  const chainOf = (route: RouteOptions | null): FilterChain =>
    route === null ? plan.unrouted : (plan.byRoute.get(route) ?? plan.unrouted);
  const http = httpView({ plan, snapshot, chainOf, log });
  const named = { name: plan.options.name, chainOf };
  const tapped = taps.isOpen ? taps.watch(named, http) : http;
  return { http: recordings.isOpen ? recordings.watch(named, tapped) : tapped, tcp: tcpView(plan, snapshot, log) };
}

function tcpView(plan: ListenerPlan, snapshot: Snapshot, log: () => OpenedLog | null): TcpView | null {
  const { tcp, options } = plan;
  if (tcp === null || options.tcp === undefined) return null;
  return {
    options: options.tcp,
    chain: tcp,
    cluster: (name) => snapshot.clusters.get(name),
    finished(facts) {
      const open = log();
      if (open !== null && open.log !== null) open.log.write(formatConnection(open.format, facts));
    },
  };
}

interface HttpParts {
  readonly plan: ListenerPlan;
  readonly snapshot: Snapshot;
  readonly chainOf: (route: RouteOptions | null) => FilterChain;
  readonly log: () => OpenedLog | null;
}

function httpView({ plan, snapshot, chainOf, log }: HttpParts): ListenerView {
  return {
    routes: plan.routes,
    chainFor: chainOf,
    cluster: (name) => snapshot.clusters.get(name),
    finished(facts, request) {
      const open = log();
      if (open !== null && open.log !== null) open.log.write(formatAccess(open.format, facts, request));
    },
  };
}
