// The admin API's server: guard, lookup, body, route, answer, audit. The CLI starts it beside the control side; it never
// touches a data thread itself.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { readFile } from "node:fs/promises";
import { type Clock, systemClock } from "../base/clock.ts";
import { problemError } from "../base/problem.ts";
import { isLoopback } from "../config/address.ts";
import type { ControlPlane } from "../control/types.ts";
import type { MetricSample } from "../observe/samples.ts";
import { readBody } from "./body.ts";
import { EventStreams } from "./events.ts";
import { checkAccess } from "./guard.ts";
import { toIndex, toOpenApi } from "./openapi.ts";
import { type Reply, text, toReply } from "./reply.ts";
import { type AdminRoute, createFinder, type FoundRoute } from "./route.ts";
import { envoyRoutes } from "./routes-envoy.ts";
import { EXPERIMENT_ROUTES } from "./routes-experiments.ts";
import { FILTER_ROUTES } from "./routes-filters.ts";
import { RECORDING_ROUTES } from "./routes-recordings.ts";
import { SHADOW_ROUTES } from "./routes-shadows.ts";
import { OpenStreams } from "./streams.ts";
import { TapStreams } from "./taps.ts";

/** Where the admin API writes; pino fits. */
export interface AdminLog {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface AdminStart {
  readonly control: ControlPlane;
  readonly address: { readonly host: string; readonly port: number };
  /** Bearer token; "" is allowed on loopback only. */
  readonly token: string;
  readonly log: AdminLog;
  /** Samples -> Prometheus text. */
  readonly renderMetrics: (samples: readonly MetricSample[]) => string;
  /** Shown by /server_info. */
  readonly version: string;
  readonly clock?: Clock;
}

export interface RunningAdmin {
  /** `http://127.0.0.1:9901`. */
  readonly url: string;
  readonly port: number;
  /** Ends event streams, finishes requests under way, frees the port. */
  close(): Promise<void>;
}

const BODY_LIMIT = 1024 * 1024;
/** How long close() waits for a client that does not finish its request. */
const CLOSE_MS = 2000;
const SCHEMA_FILE = new URL("../../schema/sluice.schema.json", import.meta.url);
const HEADERS = { "cache-control": "no-store", "x-content-type-options": "nosniff" };

function ownRoutes(others: readonly AdminRoute[], version: string): readonly AdminRoute[] {
  const own: AdminRoute[] = [
    {
      method: "GET",
      path: "/api/v1/schema",
      summary: "JSON Schema of the configuration",
      handle: async () => text(await readFile(SCHEMA_FILE, "utf8"), 200, "application/schema+json"),
    },
    {
      method: "GET",
      path: "/api/v1/openapi.json",
      summary: "This API as OpenAPI 3.1",
      handle: () =>
        text(`${JSON.stringify(toOpenApi([...others, ...own], version), null, 2)}\n`, 200, "application/json"),
    },
    { method: "GET", path: "/", summary: "This list", handle: () => text(toIndex([...others, ...own])) },
  ];
  return own;
}

class AdminServer {
  readonly #start: AdminStart;
  readonly #find: (method: string, path: string) => FoundRoute;
  readonly #clock: Clock;
  readonly streams: OpenStreams;

  constructor(start: AdminStart) {
    this.#start = start;
    this.#clock = start.clock ?? systemClock;
    this.streams = new OpenStreams(this.#clock);
    const about = { version: start.version, startedMs: performance.now() };
    const routes = [
      ...envoyRoutes(about),
      ...FILTER_ROUTES,
      ...EXPERIMENT_ROUTES,
      ...RECORDING_ROUTES,
      ...SHADOW_ROUTES,
    ];
    routes.push(new EventStreams(this.streams).route, new TapStreams(this.streams).route);
    this.#find = createFinder([...routes, ...ownRoutes(routes, start.version)]);
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startedMs = this.#clock.monotonicMs();
    const reply = await this.#answer(request).catch((error: unknown) => this.#refuse(request, error));
    send(response, reply, request.method === "HEAD");
    const isRead = request.method === "GET" || request.method === "HEAD";
    if (!isRead || reply.audited === true) this.#audit(request, reply.status, this.#clock.monotonicMs() - startedMs);
  }

  async #answer(request: IncomingMessage): Promise<Reply> {
    const method = request.method ?? "GET";
    checkAccess(request.headers, method !== "GET" && method !== "HEAD", {
      host: this.#start.address.host,
      token: this.#start.token,
    });
    const url = new URL(request.url ?? "/", "http://admin");
    const { route, params } = this.#find(method, url.pathname);
    const body = await readBody(request, route.method === "GET" ? 0 : (route.bodyLimit ?? BODY_LIMIT));
    const { control, renderMetrics } = this.#start;
    const { headers } = request;
    const isHead = method === "HEAD";
    return route.handle({ control, renderMetrics, params, body, query: url.searchParams, headers, isHead });
  }

  #refuse(request: IncomingMessage, error: unknown): Reply {
    const reply = toReply(error);
    // A bug: whoever sees the 500 needs the stack, and only the log may have it.
    if (reply.status === 500) this.#start.log.error({ err: error, path: pathOf(request) }, "admin request failed");
    return reply;
  }

  /** Every attempt to change something, refused ones too, and every tap on traffic. Headers and bodies may hold secrets and stay out. */
  #audit(request: IncomingMessage, status: number, millis: number): void {
    const fields = {
      audit: true,
      method: request.method,
      path: pathOf(request),
      remote: request.socket.remoteAddress,
      status,
      bytes: Number(request.headers["content-length"] ?? 0),
      millis: Math.round(millis),
    };
    this.#start.log.info(fields, `admin ${request.method} ${fields.path} -> ${status}`);
  }
}

/** Without the query, which may hold a plugin configuration. */
function pathOf(request: IncomingMessage): string {
  return (request.url ?? "").split("?", 1)[0] ?? "";
}

function send(response: ServerResponse, reply: Reply, isHead: boolean): void {
  const headers = { ...HEADERS, "content-type": reply.type, ...reply.headers };
  if (reply.stream !== undefined && !isHead) {
    response.writeHead(reply.status, headers);
    reply.stream(response);
    return;
  }
  response.writeHead(reply.status, { ...headers, "content-length": Buffer.byteLength(reply.body) });
  response.end(isHead ? undefined : reply.body);
}

function listen(server: Server, address: AdminStart["address"]): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const where = `${address.host}:${address.port}`;
      const why = error.code === "EADDRINUSE" ? "is already in use" : `cannot be used (${error.code ?? error.message})`;
      const hint = "choose another with admin.address or --admin-port";
      reject(problemError("config", "port_in_use", `admin address ${where} ${why}`, { hint }));
    });
    server.listen(address.port, address.host, () => resolve((server.address() as AddressInfo).port));
  });
}

/** Starts the admin API. @throws ProblemError off loopback without a token, or when the port is taken. */
export async function startAdmin(start: AdminStart): Promise<RunningAdmin> {
  const { host } = start.address;
  if (!isLoopback(host) && start.token === "") {
    throw problemError("config", "missing_token", `the admin API on ${host} needs a token`, {
      hint: "set admin.token, for example to ${SLUICE_ADMIN_TOKEN}, or listen on 127.0.0.1",
    });
  }
  const admin = new AdminServer(start);
  const server = createServer((request, response) => void admin.handle(request, response));
  const port = await listen(server, start.address);
  const close = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    admin.streams.close();
    server.closeIdleConnections();
    const timer = (start.clock ?? systemClock).after(CLOSE_MS, () => server.closeAllConnections());
    await closed;
    timer.cancel();
  };
  return { url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`, port, close };
}
