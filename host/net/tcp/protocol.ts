// Plain TCP as a listener's protocol: every connection is carried to the listener's cluster through its filters.
import type { Clock } from "../../base/clock.ts";
import type { TimerWheel } from "../../base/timer-wheel.ts";
import type { StreamFacts } from "../../chain/ports.ts";
import type { TcpChainTemplate } from "../../chain/tcp-ports.ts";
import type { MetricRegistry } from "../../observe/metrics.ts";
import type { Cluster } from "../../upstream/cluster.ts";
import { connectionFacts } from "../facts.ts";
import type { ListenerOptions, TcpOptions } from "../options.ts";
import type { Protocol } from "../protocol.ts";
import { TcpConnection } from "./connection.ts";
import { TcpMetrics } from "./tcp-metrics.ts";

/** Everything one connection needs, of one committed generation. A connection asks once, when it is accepted. */
export interface TcpView {
  readonly options: TcpOptions;
  readonly chain: TcpChainTemplate;
  cluster(name: string): Cluster | undefined;
  /** Once per connection, after TcpStream.end. */
  finished(facts: StreamFacts): void;
}

export interface TcpInputs {
  readonly options: ListenerOptions;
  readonly view: () => TcpView;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly registry: MetricRegistry;
}

/** What all connections of a listener share. */
export interface TcpListenerContext {
  readonly name: string;
  /** Bytes held for a slow peer, each direction, before reading from the other side stops. */
  bufferBytes: number;
  readonly view: () => TcpView;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly metrics: TcpMetrics;
}

export function tcpProtocol({ options, view, clock, wheel, registry }: TcpInputs): Protocol {
  const { name } = options;
  const metrics = new TcpMetrics(name, registry);
  const context: TcpListenerContext = {
    name,
    bufferBytes: options.limits.bufferBytes,
    view,
    clock,
    wheel,
    metrics,
  };
  return {
    metrics,
    open(socket, id, tls, origin) {
      const facts = connectionFacts(socket, { listener: name, id, tls, origin });
      const connection = new TcpConnection(socket, context, facts);
      connection.begin();
      return connection;
    },
    configure: ({ limits }) => {
      context.bufferBytes = limits.bufferBytes;
    },
    // Nothing in a stream of bytes says where it may end: connections go on until the drain is over.
    drain: () => {},
  };
}
