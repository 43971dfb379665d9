// What a replayed instance meets instead of the machine: time, random bytes, shared data, queues and metrics as the recording
// has them. What was not recorded is answered from state of its own, which is thrown away, and noted.
import * as status from "../../sdk/assembly/abi/status.ts";
import type { Status } from "../abi/status.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { type Random, seededRandom } from "../base/random.ts";
import { privateState } from "../plugin/private-state.ts";
import { QueueBell } from "../plugin/queue-bell.ts";
import type { SharedQueues, SharedState } from "../plugin/services.ts";
import type { CallValue } from "../vm/call-values.ts";
import type { MetricStore, SharedStore } from "../vm/ports.ts";
import { bytesOf, EMPTY_TAPE, type Tape } from "./tape.ts";

/** Ids of metrics that the recorded module did not define begin here. */
const OWN_METRICS = 0x4000_0000;

export class World {
  tape: Tape = EMPTY_TAPE;
  now = 0n;
  mono = 0;
  /** Hears what was asked for and not recorded. */
  readonly missing: (what: string) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly shared: SharedState;
  readonly queues: SharedQueues;
  readonly metrics: MetricStore;
  readonly bell: QueueBell;
  #timers: { readonly run: () => void }[] = [];

  /** @param live shared data as it is now, for what the recorded module did not read; null = there is none */
  constructor(missing: (what: string) => void, live: SharedStore | null) {
    this.missing = missing;
    const own = privateState(() => {});
    // A ring is a step of the recording, and that is now.
    this.bell = new QueueBell({ later: (task) => task(), nowMs: () => 0 });
    this.clock = this.#clock();
    this.random = this.#random();
    this.shared = sharedOf(this, own.shared, live);
    this.queues = queuesOf(this, own.queues);
    this.metrics = metricsOf(this);
  }

  #clock(): Clock {
    return {
      nowNanos: () => this.now,
      nowMs: () => Number(this.now / 1000n) / 1000,
      monotonicMs: () => {
        const [nanos] = this.tape.take("clock_time_get", [1])?.r ?? [];
        return nanos === undefined ? this.mono : Number(nanos) / 1e6;
      },
      after: (_ms, run): Timer => {
        const timer = { run };
        this.#timers.push(timer);
        return { cancel: () => void (this.#timers = this.#timers.filter((other) => other !== timer)) };
      },
    };
  }

  /** The timer that was set first goes off. Ticks come when the recording says so. */
  fire(): void {
    this.#timers.shift()?.run();
  }

  #random(): Random {
    const substitute = seededRandom(1);
    return {
      fraction: () => substitute.fraction(),
      fill: (bytes) => {
        const recorded = this.tape.take("random_get", [bytes.length]);
        if (recorded === null) this.missing(`${bytes.length} random bytes`);
        if (recorded === null) substitute.fill(bytes);
        else bytes.set(bytesOf(recorded.r?.[0]).subarray(0, bytes.length));
      },
    };
  }

  /** Recorded status of a call with these very arguments, or null. */
  status(fn: string, args: readonly CallValue[]): Status | null {
    return (this.tape.take(fn, args)?.s ?? null) as Status | null;
  }
}

/** Writes go to a state of its own, and are read from there; other keys are read as the recorded module read them. */
function sharedOf(world: World, own: SharedState, live: SharedStore | null): SharedState {
  const known = new Map<string, { value: Buffer; cas: number } | undefined>();
  const written = new Set<string>();
  const read = (space: string, key: string): { value: Buffer; cas: number } | undefined => {
    const recorded = world.tape.take("proxy_get_shared_data", [key]);
    if (recorded !== null) {
      const entry = recorded.s === 0 ? { value: bytesOf(recorded.r?.[0]), cas: Number(recorded.r?.[1]) } : undefined;
      known.set(key, entry);
      if (!written.has(key)) return entry;
    }
    if (written.has(key)) return own.get(space, key) as { value: Buffer; cas: number } | undefined;
    if (known.has(key)) return known.get(key);
    world.missing(`staleRead shared data "${key}"`);
    return live?.get(space, key) as { value: Buffer; cas: number } | undefined;
  };
  return {
    get: read,
    // oxlint-disable-next-line max-params -- the five things a shared-data write is made of
    set(space, key, value, cas, options) {
      const recorded = world.status("proxy_set_shared_data", [key, Buffer.from(value).latin1Slice(), cas]);
      if (recorded !== null) return recorded;
      const now = written.has(key) ? own.get(space, key) : known.get(key);
      if (cas !== 0 && now?.cas !== cas) return status.CAS_MISMATCH;
      written.add(key);
      return own.set(space, key, value, 0, options);
    },
    delete: (space, key, cas) => own.delete(space, key, cas),
    keys: (space, prefix, limit) => own.keys(space, prefix, limit),
    add: (space, key, delta) => own.add(space, key, delta),
    gcra: (space, key, request, nowNs) => own.gcra(space, key, request, nowNs),
  };
}

/** What is put into a queue goes nowhere. */
function queuesOf(world: World, own: SharedQueues): SharedQueues {
  const idOf = (fn: string, args: readonly string[]): number | null => {
    const found = world.tape.find((call) => call.fn === fn && args.every((arg) => call.a.includes(arg)));
    return found === null ? null : Number(found.r?.[0] ?? 0);
  };
  return {
    register: (space, name) => idOf("proxy_register_shared_queue", [name]) ?? own.register(space, name),
    resolve: (space, name) => idOf("proxy_resolve_shared_queue", [name]) ?? own.resolve(space, name),
    enqueue: (id, value) =>
      world.status("proxy_enqueue_shared_queue", [id, Buffer.from(value).latin1Slice()]) ?? status.OK,
    dequeue(id) {
      const recorded = world.tape.take("proxy_dequeue_shared_queue", [id]);
      if (recorded === null) world.missing(`an item of queue ${id}`);
      if (recorded === null) return status.EMPTY;
      return recorded.s === 0 ? bytesOf(recorded.r?.[0]) : (recorded.s as Status);
    },
  };
}

/** Counted apart: a replayed version moves no metric of the proxy. Ids are the recorded ones. */
function metricsOf(world: World): MetricStore {
  const ids = new Map<string, number>();
  const values = new Map<number, bigint>();
  const change = (id: number, value: (before: bigint) => bigint): Status => {
    const before = values.get(id);
    if (before === undefined) return status.NOT_FOUND;
    values.set(id, value(before));
    return status.OK;
  };
  return {
    define(_scope, type, name) {
      const recorded = world.tape.take("proxy_define_metric", [type, name]);
      if (recorded !== null && recorded.s !== 0) return recorded.s === status.BAD_ARGUMENT ? -1 : -2;
      const id = Number(recorded?.r?.[0] ?? ids.get(`${type} ${name}`) ?? OWN_METRICS + ids.size);
      ids.set(`${type} ${name}`, id);
      if (!values.has(id)) values.set(id, 0n);
      return id;
    },
    record: (id, value) => world.status("proxy_record_metric", [id, String(value)]) ?? change(id, () => value),
    increment: (id, delta) =>
      world.status("proxy_increment_metric", [id, String(delta)]) ?? change(id, (before) => before + delta),
    get(id) {
      const recorded = world.tape.take("proxy_get_metric", [id]);
      if (recorded !== null) return recorded.s === 0 ? BigInt(recorded.r?.[0] as string) : (recorded.s as Status);
      return values.get(id) ?? status.NOT_FOUND;
    },
  };
}
