// A filterless proxy in one thread, for measuring the data plane alone. Environment: PORT (default 8080), UPSTREAM
// (`host:port[,host:port...]`, default 127.0.0.1:9000), LB (`leastRequest`). Prints one line when it listens.
import { systemClock } from "../host/base/clock.ts";
import { systemRandom } from "../host/base/random.ts";
import { TimerWheel } from "../host/base/timer-wheel.ts";
import { httpProtocol } from "../host/net/http1/protocol.ts";
import { startListener } from "../host/net/listener.ts";
import type { ListenerOptions } from "../host/net/options.ts";
import { MetricRegistry } from "../host/observe/metrics.ts";
import { RouteTable } from "../host/route/table.ts";
import { Cluster } from "../host/upstream/cluster.ts";
import type { LbPolicy } from "../host/upstream/options.ts";

const { PORT = "8080", UPSTREAM = "127.0.0.1:9000", LB = "leastRequest" } = process.env;
const clock = systemClock;
const random = systemRandom;
const wheel = new TimerWheel(clock);
const registry = new MetricRegistry();
const endpoints = UPSTREAM.split(",").map((address) => {
  const [host = "127.0.0.1", port = "9000"] = address.split(":");
  return { host, port: Number(port), labels: {}, zone: "", weight: 1 };
});
const cluster = new Cluster(
  {
    name: "upstream",
    lbPolicy: LB as LbPolicy,
    endpoints,
    connectTimeoutMs: 5000,
    idleTimeoutMs: 60_000,
    maxConnections: 1024,
    maxPendingRequests: 1024,
  },
  { clock, random, wheel, registry },
);
const options: ListenerOptions = {
  name: "plain",
  host: "127.0.0.1",
  port: Number(PORT),
  accessLog: null,
  filters: [],
  routes: [
    {
      name: "all",
      match: { prefix: "/", headers: [] },
      action: { kind: "forward", clusters: [{ cluster: "upstream", weight: 1 }] },
      timeoutMs: 15_000,
      filters: { add: [], disable: [], override: {} },
    },
  ],
  limits: {
    maxHeaderBytes: 64 * 1024,
    maxHeaders: 100,
    maxBodyBytes: 0,
    headerTimeoutMs: 10_000,
    requestTimeoutMs: 300_000,
    streamIdleTimeoutMs: 300_000,
    idleTimeoutMs: 60_000,
    maxRequestsPerConnection: 0,
    bufferBytes: 64 * 1024,
    maxConnections: 10_000,
    maxActiveRequests: 0,
    maxLoopLagMs: 0,
  },
  armHeader: "",
};
const routes = new RouteTable(options.routes);
const empty = {
  empty: true,
  open: () => {
    throw new Error("an empty chain is never opened");
  },
};
const view = { routes, chainFor: () => empty, cluster: () => cluster, finished: () => {} };
const listener = await startListener({
  options,
  protocol: httpProtocol({ options, view: () => view, clock, random, wheel, registry }),
  clock,
  reusePort: false,
});
console.log(`plain proxy on ${listener.address}:${listener.port} -> ${UPSTREAM}`);
process.once("SIGTERM", () => void listener.drain(5000).then(() => process.exit(0)));
