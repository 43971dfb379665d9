// Everything one epoch serves with: routes, clusters, chains, filter generations. Immutable once built. Streams hold the
// snapshot they began with; it lets its generations and clusters go when it is no longer the newest and its last stream
// has ended.
import type { Random } from "../base/random.ts";
import { FilterChain, TcpFilterChain, type StreamCounter } from "../chain/template.ts";
import type { ChainSlot } from "../chain/slot.ts";
import type { TcpChainTemplate } from "../chain/tcp-ports.ts";
import type { SlotMessage, SnapshotMessage } from "../link/messages.ts";
import type { ListenerOptions } from "../net/options.ts";
import type { Generation } from "../plugin/generation.ts";
import { RouteTable } from "../route/table.ts";
import type { RouteOptions } from "../route/options.ts";
import type { Cluster } from "../upstream/cluster.ts";
import type { ArmLedger } from "./arm-ledger.ts";
import { buildSlot } from "./slots.ts";

export interface SnapshotParts {
  readonly message: SnapshotMessage;
  readonly generations: ReadonlyMap<string, Generation>;
  readonly clusters: ReadonlyMap<string, Cluster>;
  readonly ledger: ArmLedger;
  readonly random: Random;
  /** Once, when nothing runs on the snapshot any more. */
  readonly released: (snapshot: Snapshot) => void;
}

export interface ListenerPlan {
  readonly options: ListenerOptions;
  readonly routes: RouteTable;
  readonly byRoute: ReadonlyMap<RouteOptions, FilterChain>;
  readonly unrouted: FilterChain;
  /** Of a TCP listener. */
  readonly tcp: TcpChainTemplate | null;
}

export class Snapshot implements StreamCounter {
  readonly epoch: number;
  readonly message: SnapshotMessage;
  readonly generations: ReadonlyMap<string, Generation>;
  readonly clusters: ReadonlyMap<string, Cluster>;
  readonly listeners: ReadonlyMap<string, ListenerPlan>;
  readonly #released: (snapshot: Snapshot) => void;
  #streams = 0;
  #superseded = false;

  constructor(parts: SnapshotParts) {
    this.message = parts.message;
    this.epoch = parts.message.epoch;
    this.generations = parts.generations;
    this.clusters = parts.clusters;
    this.#released = parts.released;
    const slots = new Map(parts.message.slots.map((slot) => [slot.filter, slot]));
    this.listeners = new Map(
      parts.message.listeners.map((options) => [options.name, this.#plan(options, slots, parts)]),
    );
    for (const generation of this.generations.values()) generation.hold();
  }

  #plan(options: ListenerOptions, slots: ReadonlyMap<string, SlotMessage>, parts: SnapshotParts): ListenerPlan {
    const chosen = (names: readonly string[], place: string): readonly ChainSlot[] => {
      const source = { generations: this.generations, ledger: parts.ledger, random: parts.random };
      const found = names.flatMap((name) => slots.get(name) ?? []);
      return found.map((slot) => buildSlot(slot, place, source));
    };
    const chain = (names: readonly string[], place: string): FilterChain => new FilterChain(chosen(names, place), this);
    const byRoute = new Map(
      options.routes.map((route) => [route, chain(chainOf(options, route), `${options.name}/${route.name}`)]),
    );
    const own = chosen(options.filters, options.name);
    return {
      options,
      routes: new RouteTable(options.routes),
      byRoute,
      unrouted: new FilterChain(own, this),
      tcp: options.tcp === undefined ? null : new TcpFilterChain(own, this),
    };
  }

  streamBegan(): void {
    this.#streams++;
  }

  streamEnded(): void {
    this.#streams--;
    if (this.#superseded && this.#streams === 0) this.#release();
  }

  get streams(): number {
    return this.#streams;
  }

  /** A newer snapshot was committed, or this one was abandoned before it was. */
  supersede(): void {
    if (this.#superseded) return;
    this.#superseded = true;
    if (this.#streams === 0) this.#release();
  }

  #release(): void {
    for (const generation of this.generations.values()) generation.unhold();
    this.#released(this);
  }
}

/** The listener's chain with what the route adds (last) and disables. */
export function chainOf(listener: ListenerOptions, route: RouteOptions): readonly string[] {
  const { add, disable } = route.filters;
  const kept = listener.filters.filter((name) => !disable.includes(name));
  return [...kept, ...add.filter((name) => !kept.includes(name))];
}
