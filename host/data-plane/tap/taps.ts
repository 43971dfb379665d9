// The taps that are open, on one data thread: picks the requests to follow and keeps the twins they run on. While none is
// open, listeners serve with their ordinary views and nothing here is called.
import type { Clock } from "../../base/clock.ts";
import type { ChainTemplate, ExchangePort, HttpStream } from "../../chain/ports.ts";
import type { FilterChain } from "../../chain/template.ts";
import type { DataLink } from "../../link/link.ts";
import type { TapMessage } from "../../link/tap.ts";
import type { ListenerView } from "../../net/ports.ts";
import type { MetricRegistry } from "../../observe/metrics.ts";
import type { PluginServices } from "../../plugin/services.ts";
import type { RouteOptions } from "../../route/options.ts";
import { TapOutbox } from "./outbox.ts";
import { requestLine, Sample } from "./sample.ts";
import { type Beginning, begins, OpenTap } from "./selection.ts";
import { Twins } from "./twins.ts";

export interface TapsOptions {
  readonly clock: Clock;
  readonly thread: number;
  readonly services: PluginServices;
  readonly registry: MetricRegistry;
  readonly link: Pick<DataLink, "send">;
}

/** What a listener serves with. */
export interface TappablePlan {
  readonly name: string;
  readonly chainOf: (route: RouteOptions | null) => FilterChain;
}

export class Taps {
  readonly #options: TapsOptions;
  readonly #twins: Twins;
  readonly #outbox: TapOutbox;
  #open: readonly OpenTap[] = [];

  constructor(options: TapsOptions) {
    const { clock, services, registry, link } = options;
    this.#options = options;
    this.#twins = new Twins(services);
    this.#outbox = new TapOutbox(clock, (message) => link.send(message));
    registry.readGauge({ name: "sluice_taps", help: "Taps open" }, {}, () => this.#open.length);
    registry.readGauge({ name: "sluice_tap_twins", help: "Traced twin instances" }, {}, () => this.#twins.size);
  }

  get isOpen(): boolean {
    return this.#open.length > 0;
  }

  /** The taps that are open from now on; those that were already keep their rate. */
  set(taps: readonly TapMessage[], drainMs: number): void {
    const known = new Map(this.#open.map((tap) => [tap.id, tap]));
    this.#open = taps.map((tap) => known.get(tap.id) ?? new OpenTap(tap));
    this.settle(drainMs);
    this.#options.link.send({ type: "tapping", taps: taps.map(({ id }) => id) });
  }

  /** Other generations may run than before: twins of those that leave go too. */
  settle(drainMs: number): void {
    const isTracing = this.#open.some(({ selection }) => selection.trace);
    this.#twins.settle(isTracing, drainMs);
  }

  /** `view` with the requests that interest a tap watched. */
  watch(plan: TappablePlan, view: ListenerView): ListenerView {
    return {
      ...view,
      chainFor: (route, headers) => {
        const chain = plan.chainOf(route);
        const filters = chain.slots.map(({ filter }) => filter);
        return this.#pick(chain, { listener: plan.name, route: route?.name ?? "", headers, filters });
      },
    };
  }

  #pick(chain: FilterChain, request: Beginning): ChainTemplate {
    const nowMs = this.#options.clock.monotonicMs();
    const taps = this.#open.filter((tap) => begins(tap.selection, request) && tap.take(nowMs));
    if (taps.length === 0) return chain;
    const line = requestLine(request.headers);
    // Also a chain without filters: the exchange must come through here for its end to be seen.
    return { empty: false, open: (port) => this.#follow(chain, port, { taps, ...line }) };
  }

  #follow(chain: FilterChain, port: ExchangePort, wanted: Wanted): HttpStream {
    const { clock, thread } = this.#options;
    const parts = { ...wanted, clock, thread, facts: port.facts, twins: this.#twins, outbox: this.#outbox };
    return chain.openWatched(port, new Sample(parts));
  }
}

interface Wanted {
  readonly taps: readonly OpenTap[];
  readonly method: string;
  readonly path: string;
}
