// TLS as a listener's protocol: a handshake first, then the protocol that the two sides agreed on. Wraps every listener's
// protocol; while the listener has no `tls`, a connection passes at the price of one look at a flag.
import type { Clock } from "../../base/clock.ts";
import type { TimerWheel } from "../../base/timer-wheel.ts";
import type { MetricRegistry } from "../../observe/metrics.ts";
import type { ExchangeFacts } from "../facts.ts";
import type { ListenerOptions } from "../options.ts";
import type { Protocol } from "../protocol.ts";
import type { TlsAcceptor } from "./acceptor.ts";
import { Handshake } from "./handshake.ts";
import { TlsMetrics } from "./metrics.ts";

export interface TlsInputs {
  readonly options: ListenerOptions;
  /** What speaks when nothing was agreed on, and on connections without TLS. */
  readonly plain: Protocol;
  /** What speaks after an ALPN name. The one place where the protocol of a TLS connection is chosen. */
  readonly byAlpn: Readonly<Record<string, Protocol>>;
  /** Of the committed generation; asked once per connection. Null: TLS was switched off this very moment. */
  readonly acceptor: () => TlsAcceptor | null;
  /** Once per failed handshake. */
  readonly refused: (facts: ExchangeFacts) => void;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly registry: MetricRegistry;
}

/** What all connections of a TLS listener share. */
export interface TlsListenerContext {
  readonly name: string;
  readonly byAlpn: (name: string) => Protocol;
  readonly refused: (facts: ExchangeFacts) => void;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly metrics: TlsMetrics;
}

export function tlsProtocol(inputs: TlsInputs): Protocol {
  const { options, plain, acceptor, refused, clock, wheel, registry } = inputs;
  const protocols = new Map(Object.entries(inputs.byAlpn));
  const all = new Set([plain, ...protocols.values()]);
  const byAlpn = (name: string): Protocol => protocols.get(name) ?? plain;
  const newContext = (): TlsListenerContext => {
    const metrics = new TlsMetrics(options.name, registry);
    return { name: options.name, byAlpn, refused, clock, wheel, metrics };
  };
  let secured = options.tls !== undefined;
  let context: TlsListenerContext | null = null;
  return {
    metrics: plain.metrics,
    open(socket, id, _tls, origin) {
      const accepting = secured ? acceptor() : null;
      if (accepting === null) {
        // What was read of a stopped socket waits in it. A handshake begins with it by itself.
        if (origin !== undefined) socket.resume();
        return plain.open(socket, id, undefined, origin);
      }
      context ??= newContext();
      return new Handshake(socket, context, accepting, { id, origin });
    },
    // No handshake for a client that is to be told no: it costs more than the answer.
    refuse: (socket, id) => (secured ? undefined : plain.refuse?.(socket, id)),
    closed() {
      for (const protocol of all) protocol.closed?.();
    },
    configure(changed) {
      secured = changed.tls !== undefined;
      for (const protocol of all) protocol.configure(changed);
    },
    drain() {
      for (const protocol of all) protocol.drain();
    },
  };
}
