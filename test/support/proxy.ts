// A data plane in miniature for tests: one listener, its clusters, and a chain that the test provides.
import { randomBytes } from "node:crypto";
import { systemClock, type Clock } from "../../host/base/clock.ts";
import { seededRandom } from "../../host/base/random.ts";
import { TimerWheel } from "../../host/base/timer-wheel.ts";
import type { ChainTemplate, ExchangePort, HttpStream, StreamFacts } from "../../host/chain/ports.ts";
import { NO_REQUEST } from "../../host/net/refused.ts";
import { httpProtocol } from "../../host/net/http1/protocol.ts";
import { TlsAcceptors } from "../../host/net/tls/acceptors.ts";
import { proxyProtocol } from "../../host/net/proxy-protocol/protocol.ts";
import { tlsProtocol } from "../../host/net/tls/protocol.ts";
import { startListener, type RunningListener } from "../../host/net/listener.ts";
import type { Http2Options, ListenerLimits, ListenerOptions } from "../../host/net/options.ts";
import { MetricRegistry } from "../../host/observe/metrics.ts";
import type { RouteOptions } from "../../host/route/options.ts";
import { RouteTable } from "../../host/route/table.ts";
import { Cluster } from "../../host/upstream/cluster.ts";
import type { ClusterOptions } from "../../host/upstream/options.ts";

export const LIMITS: ListenerLimits = {
  maxHeaderBytes: 64 * 1024,
  maxHeaders: 100,
  maxBodyBytes: 0,
  headerTimeoutMs: 10_000,
  requestTimeoutMs: 300_000,
  streamIdleTimeoutMs: 300_000,
  idleTimeoutMs: 60_000,
  maxRequestsPerConnection: 0,
  bufferBytes: 64 * 1024,
  maxConnections: 10_000,
  maxActiveRequests: 0,
  maxLoopLagMs: 0,
};

export const HTTP2: Http2Options = {
  maxConcurrentStreams: 100,
  initialStreamWindowSize: 64 * 1024,
  initialConnectionWindowSize: 1024 * 1024,
  maxConnectionDurationMs: 0,
  streamResetBurst: 1000,
  streamResetRate: 33,
  maxControlFrames: 1000,
};

export const route = (more: Partial<RouteOptions> = {}): RouteOptions => ({
  name: "all",
  match: { prefix: "/", headers: [] },
  action: { kind: "forward", clusters: [{ cluster: "up", weight: 1 }] },
  timeoutMs: 15_000,
  filters: { add: [], disable: [], override: {} },
  ...more,
});

export const clusterOptions = (ports: readonly number[], more: Partial<ClusterOptions> = {}): ClusterOptions => ({
  name: "up",
  lbPolicy: "roundRobin",
  endpoints: ports.map((port) => ({ host: "127.0.0.1", port, labels: {}, zone: "", weight: 1 })),
  connectTimeoutMs: 5000,
  idleTimeoutMs: 60_000,
  maxConnections: 1024,
  maxPendingRequests: 1024,
  ...more,
});

export const EMPTY_CHAIN: ChainTemplate = {
  empty: true,
  open: () => {
    throw new Error("an empty chain is never opened");
  },
};

/** A chain whose streams are made by the test. */
export const chainOf = (open: (port: ExchangePort) => HttpStream): ChainTemplate => ({ empty: false, open });

export interface FinishedExchange {
  readonly facts: StreamFacts;
  readonly method: string;
  readonly path: string;
}

export interface TestProxy extends AsyncDisposable {
  readonly listener: RunningListener;
  readonly port: number;
  readonly cluster: Cluster;
  readonly registry: MetricRegistry;
  readonly wheel: TimerWheel;
  readonly finished: FinishedExchange[];
  /** Resolves when `count` exchanges have finished. */
  ended(count: number): Promise<FinishedExchange[]>;
  metric(name: string, labels?: Record<string, string>): number;
}

export interface TestProxyInputs {
  readonly upstreams?: readonly number[];
  readonly cluster?: Partial<ClusterOptions>;
  readonly limits?: Partial<ListenerLimits>;
  readonly listener?: Partial<ListenerOptions>;
  readonly http2?: Partial<Http2Options>;
  readonly routes?: readonly RouteOptions[];
  readonly chain?: ChainTemplate;
  readonly clock?: Clock;
  /** 48 bytes. */
  readonly ticketKeys?: Buffer;
}

export async function startProxy(inputs: TestProxyInputs = {}): Promise<TestProxy> {
  const clock = inputs.clock ?? systemClock;
  const wheel = new TimerWheel(clock);
  const random = seededRandom(7);
  const registry = new MetricRegistry();
  const options = clusterOptions(inputs.upstreams ?? [], inputs.cluster);
  const cluster = new Cluster(options, { clock, random, wheel, registry });
  const finished: FinishedExchange[] = [];
  const waiters: { count: number; resolve: (all: FinishedExchange[]) => void }[] = [];
  const routes = new RouteTable(inputs.routes ?? [route()]);
  const view = {
    routes,
    chainFor: () => inputs.chain ?? EMPTY_CHAIN,
    cluster: (name: string) => (name === cluster.name ? cluster : undefined),
    finished: (facts: StreamFacts, request: { readonly method: string; readonly path: string }) => {
      finished.push({ facts, method: request.method, path: request.path });
      for (const waiter of waiters.filter(({ count }) => count <= finished.length)) waiter.resolve(finished);
    },
  };
  const listenerOptions: ListenerOptions = {
    name: "test",
    host: "127.0.0.1",
    port: 0,
    accessLog: null,
    filters: [],
    routes: [],
    limits: { ...LIMITS, ...inputs.limits },
    armHeader: "",
    http2: { ...HTTP2, ...inputs.http2 },
    ...inputs.listener,
  };
  const plain = httpProtocol({ options: listenerOptions, view: () => view, clock, random, wheel, registry });
  const acceptors = new TlsAcceptors(inputs.ticketKeys ?? randomBytes(48));
  acceptors.prepare(listenerOptions);
  const common = { options: listenerOptions, clock, wheel, registry };
  const refused = (facts: StreamFacts): void => view.finished(facts, NO_REQUEST);
  const byAlpn = { "http/1.1": plain, h2: plain };
  const acceptor = (): ReturnType<TlsAcceptors["of"]> => acceptors.of(listenerOptions);
  const protocol = proxyProtocol({
    ...common,
    inner: tlsProtocol({ ...common, plain, byAlpn, acceptor, refused }),
    refused,
  });
  const listener = await startListener({
    options: listenerOptions,
    protocol,
    clock,
    reusePort: false,
  });
  return {
    listener,
    port: listener.port,
    cluster,
    registry,
    wheel,
    finished,
    ended: (count) =>
      finished.length >= count
        ? Promise.resolve(finished)
        : new Promise((resolve) => void waiters.push({ count, resolve })),
    metric: (name, labels = {}) =>
      registry
        .collect()
        .filter((sample) => sample.name === name && Object.entries(labels).every(([k, v]) => sample.labels[k] === v))
        .reduce((sum, sample) => sum + (typeof sample.value === "number" ? sample.value : 0), 0),
    async [Symbol.asyncDispose]() {
      cluster.close();
      for (const endpoint of cluster.endpoints) endpoint.waiters.length = 0;
      await listener.close();
    },
  };
}
