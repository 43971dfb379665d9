// HTTP/1.1 as a listener's protocol. Built by the data plane for every listener that is not TCP.
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { TimerWheel } from "../../base/timer-wheel.ts";
import type { MetricRegistry } from "../../observe/metrics.ts";
import { Admission } from "../admission.ts";
import type { ListenerContext } from "../client-side.ts";
import { connectionFacts } from "../facts.ts";
import { HttpMetrics } from "../http-metrics.ts";
import type { ListenerOptions } from "../options.ts";
import type { ListenerView } from "../ports.ts";
import type { Protocol } from "../protocol.ts";
import { RequestIds } from "../request-id.ts";
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

export function httpProtocol({ options, view, clock, random, wheel, registry }: HttpInputs): Protocol {
  const metrics = new HttpMetrics(options.name, registry);
  const requestIds = new RequestIds(random);
  const admission = new Admission(metrics.requestsActive, clock);
  admission.configure(options.limits);
  const context: ListenerContext = { options, view, clock, wheel, metrics, requestIds, admission, draining: false };
  return {
    metrics,
    open: (socket, id, tls) =>
      new Http1Connection(socket, context, connectionFacts(socket, { listener: options.name, id, tls })),
    refuse: (socket, id, tls) =>
      new RefusedConnection(socket, context, connectionFacts(socket, { listener: options.name, id, tls })),
    configure: (changed) => {
      context.options = changed;
      admission.configure(changed.limits);
    },
    drain: () => {
      context.draining = true;
    },
    closed: () => admission.close(),
  };
}
