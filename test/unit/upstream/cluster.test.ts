import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../../host/base/clock.ts";
import type { ErrorCode } from "../../../host/base/errors.ts";
import { seededRandom } from "../../../host/base/random.ts";
import { TimerWheel } from "../../../host/base/timer-wheel.ts";
import { MetricRegistry } from "../../../host/observe/metrics.ts";
import { Cluster, type Waiter } from "../../../host/upstream/cluster.ts";
import type { Connection } from "../../../host/upstream/connection.ts";
import type { Endpoint } from "../../../host/upstream/endpoint.ts";
import type { ClusterOptions } from "../../../host/upstream/options.ts";
import type { DialTarget, TransportEvents } from "../../../host/upstream/transport.ts";
import { clusterOptions } from "../../support/proxy.ts";

/** A dial that never touches the network: the test says when it succeeds or fails. */
class FakeDial {
  readonly target: DialTarget;
  readonly events: TransportEvents;
  destroyed = false;
  constructor(target: DialTarget, events: TransportEvents) {
    this.target = target;
    this.events = events;
  }
  write = (): boolean => true;
  cork(): void {}
  uncork(): void {}
  pause(): void {}
  resume(): void {}
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.events.closed(null);
  }
}

class FakeWaiter implements Waiter {
  connection: Connection | null = null;
  refused: { code: ErrorCode; endpoint: Endpoint | null } | null = null;
  connectionReady(connection: Connection): void {
    this.connection = connection;
  }
  connectionRefused(code: ErrorCode, endpoint: Endpoint | null): void {
    this.refused = { code, endpoint };
  }
}

function setUp(ports: number[] = [1], more: Partial<ClusterOptions> = {}) {
  const clock = new VirtualClock();
  const wheel = new TimerWheel(clock);
  const registry = new MetricRegistry();
  const dials: FakeDial[] = [];
  const dial = (target: DialTarget, events: TransportEvents): FakeDial => {
    const made = new FakeDial(target, events);
    dials.push(made);
    return made;
  };
  const cluster = new Cluster(clusterOptions(ports, more), { clock, wheel, registry, random: seededRandom(1), dial });
  /** Asks for a connection and lets the dial, if there is one, succeed. */
  const obtain = (): Connection => {
    const waiter = new FakeWaiter();
    const before = dials.length;
    const ready = cluster.acquire(waiter);
    if (dials.length > before) dials.at(-1)?.events.connected();
    const connection = ready ?? waiter.connection;
    if (connection === null) throw new Error(`no connection: ${waiter.refused?.code}`);
    return connection;
  };
  const wait = (): FakeWaiter => {
    const waiter = new FakeWaiter();
    expect(cluster.acquire(waiter)).toBeNull();
    return waiter;
  };
  return { clock, wheel, registry, cluster, dials, obtain, wait };
}

describe("the pool", () => {
  test("dials for the first request and reuses the connection for the next", () => {
    const { cluster, dials, obtain } = setUp();
    const first = obtain();
    cluster.release(first);
    expect(obtain()).toBe(first);
    expect(first.served).toBe(1);
    expect(dials).toHaveLength(1);
  });

  test("takes the connection that was used last", () => {
    const { cluster, obtain } = setUp();
    const [a, b] = [obtain(), obtain()];
    cluster.release(a);
    cluster.release(b);
    expect(obtain()).toBe(b);
    expect(obtain()).toBe(a);
  });

  test("a waiter gets whatever connection comes free first, and the dial warms the pool", () => {
    const { cluster, dials, obtain, wait } = setUp();
    const busy = obtain();
    const waiter = wait();
    cluster.release(busy);
    expect(waiter.connection).toBe(busy);
    dials[1]?.events.connected();
    expect(cluster.status()[0]).toMatchObject({ active: 1, connections: 2, idle: 1, requests: 2 });
  });

  test("a connection that closes while idle is not handed out", () => {
    const { cluster, dials, obtain } = setUp();
    cluster.release(obtain());
    dials[0]?.destroy();
    expect(cluster.connections).toBe(0);
    obtain();
    expect(dials).toHaveLength(2);
  });

  test("a failed dial refuses the request that began it", () => {
    const { cluster, dials, wait } = setUp();
    const waiter = wait();
    dials[0]?.events.closed(new Error("ECONNREFUSED"));
    expect(waiter.refused).toMatchObject({ code: "upstream_connect_failure" });
    expect(cluster.status()[0]).toMatchObject({ failures: 1, connections: 0, active: 0 });
  });

  test("a dial that takes too long is given up", () => {
    const { clock, cluster, dials, wait } = setUp([1], { connectTimeoutMs: 100 });
    const waiter = wait();
    clock.advance(99);
    expect(waiter.refused).toBeNull();
    clock.advance(60);
    expect(waiter.refused?.code).toBe("upstream_connect_timeout");
    expect(dials[0]?.destroyed).toBe(true);
    expect(cluster.connections).toBe(0);
  });

  test("a fresh connection is dialled even if one is idle", () => {
    const { cluster, dials, obtain } = setUp();
    cluster.release(obtain());
    const waiter = new FakeWaiter();
    expect(cluster.acquire(waiter, null, true)).toBeNull();
    expect(dials).toHaveLength(2);
  });

  test("idle connections close after the idle timeout, busy ones do not", () => {
    const { clock, cluster, obtain } = setUp([1], { idleTimeoutMs: 1000 });
    const [a, b] = [obtain(), obtain()];
    cluster.release(a);
    clock.advance(600);
    cluster.release(b);
    clock.advance(450);
    expect(cluster.status()[0]).toMatchObject({ connections: 1, idle: 1 });
    clock.advance(1000);
    expect(cluster.connections).toBe(0);
  });
});

describe("limits", () => {
  test("at the limit requests wait, first come first served", () => {
    const { cluster, dials, obtain, wait } = setUp([1], { maxConnections: 1 });
    const busy = obtain();
    const [a, b] = [wait(), wait()];
    expect(dials).toHaveLength(1);
    cluster.release(busy);
    expect(a.connection).toBe(busy);
    cluster.release(busy);
    expect(b.connection).toBe(busy);
  });

  test("at the limit an idle connection of another endpoint is better than waiting", () => {
    const { cluster, obtain } = setUp([1, 2], { maxConnections: 1 });
    const only = obtain();
    cluster.release(only);
    expect(obtain()).toBe(only);
    cluster.release(only);
    expect(obtain()).toBe(only);
  });

  test("a full queue refuses at once", () => {
    const { cluster, registry, obtain, wait } = setUp([1], { maxConnections: 1, maxPendingRequests: 1 });
    obtain();
    wait();
    const refused = wait();
    expect(refused.refused?.code).toBe("upstream_overflow");
    expect(cluster.pending).toBe(1);
    const overflow = registry.collect().find(({ name }) => name.endsWith("pending_overflow_total"));
    expect(overflow?.value).toBe(1);
  });

  test("a request waits no longer than the connect timeout", () => {
    const { clock, obtain, wait } = setUp([1], { maxConnections: 1, connectTimeoutMs: 100 });
    obtain();
    const waiter = wait();
    clock.advance(200);
    expect(waiter.refused?.code).toBe("upstream_overflow");
  });

  test("when a connection closes, the first in the queue gets a new one", () => {
    const { dials, obtain, wait } = setUp([1], { maxConnections: 1 });
    const busy = obtain();
    const waiter = wait();
    busy.destroy();
    expect(dials).toHaveLength(2);
    dials[1]?.events.connected();
    expect(waiter.connection).not.toBeNull();
  });

  test("a cancelled waiter is never called", () => {
    const { cluster, dials, obtain, wait } = setUp([1], { maxConnections: 2 });
    const busy = obtain();
    const dialled = wait();
    const queued = wait();
    cluster.cancel(dialled);
    cluster.cancel(queued);
    cluster.release(busy);
    dials[1]?.events.connected();
    expect([dialled.connection, queued.connection]).toEqual([null, null]);
    expect(cluster.pending).toBe(0);
    expect(cluster.status()[0]?.idle).toBe(2);
  });
});

describe("endpoints", () => {
  test("without endpoints there is no healthy upstream", () => {
    const { wait } = setUp([]);
    expect(wait().refused?.code).toBe("no_healthy_upstream");
  });

  test("requests go round the endpoints", () => {
    const { dials, obtain } = setUp([1, 2, 3]);
    for (let turn = 0; turn < 6; turn++) obtain();
    expect(dials.map(({ target }) => target.port).sort()).toEqual([1, 1, 2, 2, 3, 3]);
  });

  test("the endpoint that failed is avoided", () => {
    const { cluster, dials } = setUp([1, 2]);
    const [first] = cluster.endpoints;
    for (let turn = 0; turn < 4; turn++) cluster.acquire(new FakeWaiter(), first ?? null);
    expect(dials.every(({ target }) => target.port === 2)).toBe(true);
  });
});

describe("close", () => {
  test("idle connections close at once, busy ones after their request, and nothing is left in the wheel", () => {
    const { clock, wheel, cluster, dials, obtain } = setUp();
    const [a, b] = [obtain(), obtain()];
    cluster.release(a);
    cluster.close();
    expect(dials[0]?.destroyed).toBe(true);
    expect(dials[1]?.destroyed).toBe(false);
    cluster.release(b);
    expect(dials[1]?.destroyed).toBe(true);
    expect(cluster.connections).toBe(0);
    const late = new FakeWaiter();
    cluster.acquire(late);
    expect(late.refused?.code).toBe("no_healthy_upstream");
    clock.advance(100_000);
    expect([wheel.size, clock.pending]).toEqual([0, 0]);
  });
});
