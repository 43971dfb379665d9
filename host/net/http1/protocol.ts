// HTTP as a listener's protocol: connections begin as HTTP/1.1 and become HTTP/2 when the client's preface says so. Built by the data plane for every listener that is not TCP.
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { TimerWheel } from "../../base/timer-wheel.ts";
import type { MetricRegistry } from "../../observe/metrics.ts";
import { Admission } from "../admission.ts";
import type { ListenerContext } from "../client-side.ts";
import { connectionFacts } from "../facts.ts";
import { Forwarding } from "../forwarding.ts";
import { HttpMetrics } from "../http-metrics.ts";
import type { ListenerOptions } from "../options.ts";
import type { ListenerView } from "../ports.ts";
import type { Protocol } from "../protocol.ts";
import { RequestIds } from "../request-id.ts";
import { Http2Server } from "../http2/server.ts";
import { Http1Connection } from "./connection.ts";
import { RefusedConnection } from "./refused-connection.ts";

export interface HttpInputs {
  readonly options: ListenerOptions;
  /** The committed generation; asked once per exchange. */
  readonly view: () => ListenerView;
  readonly clock: Clock;
  readonly random: Random;
  readonly wheel: TimerWheel;
  readonly registry: MetricRegistry;
}

const forwardingOf = ({ forwarding }: ListenerOptions): Forwarding | null =>
  forwarding === undefined ? null : new Forwarding(forwarding);

export function httpProtocol({ options, view, clock, random, wheel, registry }: HttpInputs): Protocol {
  const metrics = new HttpMetrics(options.name, registry);
  const requestIds = new RequestIds(random);
  const admission = new Admission(metrics.requestsActive, clock);
  admission.configure(options.limits);
  const http2 = new Http2Server();
  const context: ListenerContext = {
    options,
    view,
    clock,
    wheel,
    metrics,
    requestIds,
    forwarding: forwardingOf(options),
    admission,
    draining: false,
    http2,
  };
  http2.serve(context);
  return {
    metrics,
    open: (socket, id, tls, origin) => {
      const connection = connectionFacts(socket, { listener: options.name, id, tls, origin });
      const chosen = tls?.alpn === "h2" ? http2.open(socket, connection, null) : null;
      return chosen ?? new Http1Connection(socket, context, connection);
    },
    refuse: (socket, id, tls) =>
      new RefusedConnection(socket, context, connectionFacts(socket, { listener: options.name, id, tls })),
    configure: (changed) => {
      context.options = changed;
      context.forwarding = forwardingOf(changed);
      admission.configure(changed.limits);
    },
    drain: () => {
      context.draining = true;
      http2.drain();
    },
    closed: () => admission.close(),
  };
}
