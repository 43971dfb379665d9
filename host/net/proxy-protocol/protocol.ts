// PROXY headers in front of whatever a listener speaks, TLS included. Wraps every listener's protocol; while the listener has
// no `proxyProtocol`, a connection passes at the price of one look at a field.
import type { Clock } from "../../base/clock.ts";
import type { TimerWheel } from "../../base/timer-wheel.ts";
import type { MetricRegistry } from "../../observe/metrics.ts";
import { AddressList } from "../address-list.ts";
import type { ExchangeFacts } from "../facts.ts";
import type { ListenerOptions, ProxyProtocolOptions } from "../options.ts";
import type { Protocol } from "../protocol.ts";
import { ProxiedConnection, type ProxyContext } from "./connection.ts";

export interface ProxyInputs {
  readonly options: ListenerOptions;
  readonly inner: Protocol;
  /** Once per connection that never told whose it is. */
  readonly refused: (facts: ExchangeFacts) => void;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly registry: MetricRegistry;
}

interface Rules extends ProxyProtocolOptions {
  readonly trusted: AddressList;
}

const FAILED = {
  name: "sluice_proxy_protocol_failed_total",
  help: "Connections closed because of their PROXY header, or the lack of one, by reason",
};

const rulesOf = ({ proxyProtocol }: ListenerOptions): Rules | null =>
  proxyProtocol === undefined ? null : { ...proxyProtocol, trusted: new AddressList(proxyProtocol.from) };

export function proxyProtocol({ options, inner, refused, clock, wheel, registry }: ProxyInputs): Protocol {
  const { name } = options;
  const failed = (reason: string): void => registry.counter(FAILED, { listener: name, reason }).inc();
  const context: ProxyContext = { name, inner, clock, wheel, failed, refused };
  let rules = rulesOf(options);
  return {
    metrics: inner.metrics,
    open(socket, id) {
      // From anybody else a header is no header: it is read as what the listener speaks, and refused by that.
      if (rules === null || !rules.trusted.has(socket.remoteAddress ?? "")) return inner.open(socket, id);
      return new ProxiedConnection(socket, context, rules, id);
    },
    ...(inner.refuse === undefined ? {} : { refuse: (socket, id) => inner.refuse?.(socket, id) }),
    configure(changed) {
      rules = rulesOf(changed);
      inner.configure(changed);
    },
    drain: () => inner.drain(),
    closed: () => inner.closed?.(),
  };
}
