// The routes Envoy has under the same paths, and Caddy's /load and /adapt.
import type { EndpointStatus } from "../control/types.ts";
import { toText } from "./body.ts";
import { AdminRefusal, json, type Reply, text } from "./reply.ts";
import type { AdminRequest, AdminRoute } from "./route.ts";
import { filterStats, toStatsText } from "./stats.ts";

const STATES = { starting: "PRE_INITIALIZING", ready: "LIVE", draining: "DRAINING" } as const;
const LEVELS = ["trace", "debug", "info", "warn", "error"] as const;
const CONFIG_LIMIT = 4 * 1024 * 1024;
const FORMAT = { format: "text (default) or json" };

const wantsJson = (request: AdminRequest): boolean =>
  request.query.get("format") === "json" || (request.headers.accept ?? "").includes("application/json");

function ready({ control }: AdminRequest): Reply {
  return text(`${STATES[control.state]}\n`, control.state === "ready" ? 200 : 503);
}

function serverInfo(version: string, startedMs: number): (request: AdminRequest) => Reply {
  return ({ control }) => {
    const uptime = `${Math.floor((performance.now() - startedMs) / 1000)}s`;
    return json({
      version,
      state: STATES[control.state],
      uptime_current_epoch: uptime,
      uptime_all_epochs: uptime,
      node: control.config.node,
      workers: control.config.workers,
      runtime: `node ${process.version}`,
    });
  };
}

async function stats(request: AdminRequest): Promise<Reply> {
  const samples = filterStats(await request.control.metrics(), request.query.get("filter"));
  if (request.query.get("format") === "prometheus") return prometheusText(request.renderMetrics(samples));
  return wantsJson(request) ? json({ stats: samples }) : text(toStatsText(samples));
}

function prometheusText(body: string): Reply {
  return text(body, 200, "text/plain; version=0.0.4; charset=utf-8");
}

async function prometheus(request: AdminRequest): Promise<Reply> {
  return prometheusText(request.renderMetrics(await request.control.metrics()));
}

function clusterLines(one: EndpointStatus): string {
  const at = `${one.cluster}::${one.address}`;
  const rows: readonly (readonly [string, number])[] = [
    ["cx_active", one.connections],
    ["cx_idle", one.idle],
    ["rq_active", one.active],
    ["rq_total", one.requests],
    ["rq_error", one.failures],
    ["weight", one.weight],
  ];
  return rows.map(([name, value]) => `${at}::${name}::${value}\n`).join("");
}

async function clusters(request: AdminRequest): Promise<Reply> {
  const found = await request.control.clusters();
  return wantsJson(request) ? json({ clusters: found }) : text(found.map(clusterLines).join(""));
}

async function listeners(request: AdminRequest): Promise<Reply> {
  const found = await request.control.listeners();
  const lines = found.map((one) => `${one.name}::${one.address}\n`);
  return wantsJson(request) ? json({ listeners: found }) : text(lines.join(""));
}

async function logging({ control, query }: AdminRequest): Promise<Reply> {
  const level = LEVELS.find((one) => one === query.get("level"));
  if (level === undefined) {
    throw new AdminRefusal(422, "bad_value", `level: expected one of ${LEVELS.join(", ")}`, {
      problem: { hint: "POST /logging?level=debug" },
    });
  }
  await control.setLogLevel(level);
  return json({ level });
}

/** Answers before the work is done: the answer could not get out afterwards. */
function shutdown(reason: string): (request: AdminRequest) => Reply {
  return ({ control }) => {
    // The control side reports its own failures as events; nobody is left here to tell.
    control.shutdown(reason).catch(() => undefined);
    return text("OK\n");
  };
}

const load =
  (dryRun: boolean) =>
  async ({ control, body }: AdminRequest): Promise<Reply> =>
    json(await control.load(toText(body), { dryRun }));

const YAML = { accepts: "application/yaml", bodyLimit: CONFIG_LIMIT };

const WRITES: readonly AdminRoute[] = [
  {
    method: "POST",
    path: "/logging",
    summary: "Set the log level",
    query: { level: LEVELS.join(", ") },
    handle: logging,
  },
  {
    method: "POST",
    path: "/drain_listeners",
    summary: "Stop taking new work and finish what is under way",
    query: { graceful: "present: wait up to drainTimeout (the only way so far)" },
    handle: shutdown("POST /drain_listeners"),
  },
  {
    method: "POST",
    path: "/quitquitquit",
    summary: "Drain and end the process",
    handle: shutdown("POST /quitquitquit"),
  },
  {
    method: "POST",
    path: "/load",
    summary: "Load a configuration atomically; a bad one keeps the old and answers 422",
    ...YAML,
    handle: load(false),
  },
  {
    method: "POST",
    path: "/api/v1/reload",
    summary: "Read the config file again, as SIGHUP does",
    handle: async ({ control }) => json(await control.reload()),
  },
  { method: "POST", path: "/adapt", summary: "Check a configuration, change nothing", ...YAML, handle: load(true) },
];

/** @param about version shown by /server_info, and when the API started (monotonic milliseconds) */
export function envoyRoutes(about: { readonly version: string; readonly startedMs: number }): readonly AdminRoute[] {
  return [
    { method: "GET", path: "/ready", summary: "200 LIVE while requests are taken, else 503", handle: ready },
    {
      method: "GET",
      path: "/server_info",
      summary: "Version, state, uptime, node",
      handle: serverInfo(about.version, about.startedMs),
    },
    {
      method: "GET",
      path: "/stats",
      summary: "All metrics",
      query: { format: "text (default), json or prometheus", filter: "only series whose name contains this" },
      handle: stats,
    },
    { method: "GET", path: "/stats/prometheus", summary: "All metrics, Prometheus text", handle: prometheus },
    { method: "GET", path: "/metrics", summary: "The same as /stats/prometheus", handle: prometheus },
    { method: "GET", path: "/clusters", summary: "Endpoints and what they do", query: FORMAT, handle: clusters },
    { method: "GET", path: "/listeners", summary: "Listeners and their addresses", query: FORMAT, handle: listeners },
    {
      method: "GET",
      path: "/config_dump",
      summary: "The configuration as loaded and as parsed, without secrets",
      handle: async ({ control }) => json(await control.configDump()),
    },
    ...WRITES,
  ];
}
