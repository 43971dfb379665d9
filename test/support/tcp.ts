// A TCP listener with its cluster in miniature, upstreams that do what a test says, and what to wait for.
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { systemClock } from "../../host/base/clock.ts";
import { seededRandom } from "../../host/base/random.ts";
import { TimerWheel } from "../../host/base/timer-wheel.ts";
import type { StreamFacts } from "../../host/chain/ports.ts";
import type { TcpChainTemplate } from "../../host/chain/tcp-ports.ts";
import { TcpFilterChain } from "../../host/chain/template.ts";
import { startListener, type RunningListener } from "../../host/net/listener.ts";
import type { ListenerOptions, ProxyProtocolOptions, TcpOptions } from "../../host/net/options.ts";
import { tcpProtocol } from "../../host/net/tcp/protocol.ts";
import type { TlsAcceptor } from "../../host/net/tls/acceptor.ts";
import { TlsAcceptors } from "../../host/net/tls/acceptors.ts";
import { proxyProtocol } from "../../host/net/proxy-protocol/protocol.ts";
import { tlsProtocol } from "../../host/net/tls/protocol.ts";
import type { ServerTlsOptions } from "../../host/tls/options.ts";
import { MetricRegistry } from "../../host/observe/metrics.ts";
import { Cluster } from "../../host/upstream/cluster.ts";
import type { ClusterOptions } from "../../host/upstream/options.ts";
import { clusterOptions, LIMITS } from "./proxy.ts";
import { until } from "./wire.ts";

export interface TcpSetup {
  readonly upstreams?: readonly number[];
  readonly tcp?: Partial<TcpOptions>;
  readonly cluster?: Partial<ClusterOptions>;
  readonly bufferBytes?: number;
  readonly chain?: TcpChainTemplate;
  readonly tls?: ServerTlsOptions;
  readonly proxyProtocol?: ProxyProtocolOptions;
}

export interface TestTcp extends AsyncDisposable {
  readonly listener: RunningListener;
  readonly port: number;
  readonly cluster: Cluster;
  readonly wheel: TimerWheel;
  readonly finished: StreamFacts[];
  /** The facts of the first connection, once it has ended. */
  ended(): Promise<StreamFacts>;
  metric(name: string, labels?: Record<string, string>): number;
}

export async function startTcp(setup: TcpSetup = {}): Promise<TestTcp> {
  const clock = systemClock;
  const wheel = new TimerWheel(clock);
  const registry = new MetricRegistry();
  const environment = { clock, random: seededRandom(7), wheel, registry };
  const cluster = new Cluster(clusterOptions(setup.upstreams ?? [], setup.cluster), environment);
  const finished: StreamFacts[] = [];
  const tcp: TcpOptions = { cluster: "up", idleTimeoutMs: 3_600_000, maxConnectAttempts: 1, ...setup.tcp };
  const chain = setup.chain ?? new TcpFilterChain([], { streamBegan() {}, streamEnded() {} });
  const options: ListenerOptions = {
    name: "test",
    host: "127.0.0.1",
    port: 0,
    accessLog: null,
    filters: [],
    routes: [],
    limits: { ...LIMITS, bufferBytes: setup.bufferBytes ?? LIMITS.bufferBytes },
    armHeader: "",
    tcp,
    ...(setup.tls === undefined ? {} : { tls: setup.tls }),
    ...(setup.proxyProtocol === undefined ? {} : { proxyProtocol: setup.proxyProtocol }),
  };
  const view = {
    options: tcp,
    chain,
    cluster: (name: string) => (name === cluster.name ? cluster : undefined),
    finished: (facts: StreamFacts) => void finished.push(facts),
  };
  const plain = tcpProtocol({ options, view: () => view, clock, wheel, registry });
  const acceptors = new TlsAcceptors(randomBytes(48));
  acceptors.prepare(options);
  const acceptor = (): TlsAcceptor | null => acceptors.of(options);
  const refused = view.finished;
  const common = { options, refused, clock, wheel, registry };
  const protocol = proxyProtocol({ ...common, inner: tlsProtocol({ ...common, plain, byAlpn: {}, acceptor }) });
  const listener = await startListener({ options, protocol, clock, reusePort: false });
  return {
    listener,
    port: listener.port,
    cluster,
    wheel,
    finished,
    async ended() {
      await until(() => finished.length > 0, "the end of the connection");
      return finished[0]!;
    },
    metric: (name, labels = {}) =>
      registry
        .collect()
        .filter((sample) => sample.name === name && Object.entries(labels).every(([k, v]) => sample.labels[k] === v))
        .reduce((sum, sample) => sum + (typeof sample.value === "number" ? sample.value : sample.value.sum), 0),
    async [Symbol.asyncDispose]() {
      cluster.close();
      await listener.close();
    },
  };
}

export interface TestUpstream extends AsyncDisposable {
  readonly port: number;
  readonly sockets: readonly Socket[];
  /** The first connection, once it has come. */
  first(): Promise<Socket>;
}

/** Both of its directions end on their own. */
export async function startUpstream(serve: (socket: Socket) => void = () => {}): Promise<TestUpstream> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    serve(socket);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    async first() {
      await until(() => sockets.length > 0, "a connection at the upstream");
      return sockets[0]!;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** A client for large amounts: no decoding, directions end on their own, reads when asked to. */
export async function dialRaw(port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** A port where nobody listens. */
export async function closedPort(): Promise<number> {
  const upstream = await startUpstream();
  await upstream[Symbol.asyncDispose]();
  return upstream.port;
}

/** Writes `total` bytes as fast as the peer takes them, then FIN. @param at what the byte at an offset is */
export function pour(socket: Socket, total: number): void {
  let sent = 0;
  const more = (): void => {
    while (sent < total) {
      const size = Math.min(64 * 1024, total - sent);
      const ready = socket.write(patternAt(sent, size));
      sent += size;
      if (!ready) return void socket.once("drain", more);
    }
    socket.end();
  };
  more();
}

const PERIOD = 251;
const PATTERN = Buffer.from(Array.from({ length: PERIOD * 300 }, (_, at) => at % PERIOD));
const patternAt = (offset: number, size: number): Buffer => PATTERN.subarray(offset % PERIOD, (offset % PERIOD) + size);

/** Reads to the end and checks every byte against {@link pour}. */
export class Sink {
  received = 0;
  wrong = 0;
  ended = false;

  constructor(socket: Socket) {
    socket.on("data", (chunk: Buffer) => {
      if (!chunk.equals(patternAt(this.received, chunk.length))) this.wrong++;
      this.received += chunk.length;
    });
    socket.on("end", () => (this.ended = true));
  }
}

/** Until `read` has given the same number for 200 ms. */
export async function untilStill(read: () => number): Promise<void> {
  let last = read();
  let since = performance.now();
  await until(
    () => {
      const now = read();
      if (now !== last) since = performance.now();
      last = now;
      return performance.now() - since > 200;
    },
    "nothing to move",
    20_000,
  );
}
