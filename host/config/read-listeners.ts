// `listeners:` of a config -> ListenerOptions and RouteOptions.
import type { AccessLogOptions, ListenerLimits, ListenerOptions } from "../net/options.ts";
import type { HeaderMatch, RouteAction, RouteFilters, RouteMatch, RouteOptions } from "../route/options.ts";
import { readAddress } from "./address.ts";
import type { Files } from "./pem-files.ts";
import { readUpgrades } from "./read-upgrades.ts";
import type { Reader } from "./reader.ts";
import { readConnect } from "./read-connect.ts";
import { readForwarding } from "./read-forwarding.ts";
import { readHttp2 } from "./read-http2.ts";
import { readProxyProtocol } from "./read-proxy-protocol.ts";
import { readTcp } from "./read-tcp.ts";
import { readServerTls } from "./read-tls.ts";

const KiB = 1024;
const KINDS = ["exact", "prefix", "suffix", "contains", "present"] as const;
const HEADER_NAME = /^(:method|:path|:authority|[!#$%&'*+.^_`|~0-9A-Za-z-]+)$/;

/** The keys among `keys` that are set; anything but one is reported. */
export function onlyOne<const T extends string>(reader: Reader, keys: readonly T[]): T | null {
  const set = keys.filter((key) => reader.get(key).isPresent);
  if (set.length !== 1 && reader.isObject) {
    const got = set.length === 0 ? "none" : set.join(" and ");
    reader.problem("pick_one", `exactly one of ${keys.join(", ")} is needed, got ${got}`);
  }
  return set[0] ?? null;
}

export function readHeaderMatch(name: string, reader: Reader): HeaderMatch {
  if (!HEADER_NAME.test(name)) {
    reader.problem("bad_header_name", `"${name}" is not a header name`, {
      at: "key",
      hint: "a header's name, or :method, :path, :authority",
    });
  }
  const kind = onlyOne(reader, KINDS) ?? "present";
  const isAbsent = kind === "present" && !reader.get("present").flag(true);
  return {
    name: name.toLowerCase(),
    kind,
    value: kind === "present" ? "" : reader.get(kind).text(),
    invert: reader.get("invert").flag(false) !== isAbsent,
  };
}

function readMatch(reader: Reader): RouteMatch {
  const kind = onlyOne(reader, ["prefix", "exact", "connect"]);
  const headers = reader.get("headers").entries.map(([name, match]) => readHeaderMatch(name, match));
  if (kind === "connect") return { exact: "", connect: true, headers };
  const path = kind === null ? "/" : reader.get(kind).text("/");
  return kind === "exact" ? { exact: path, headers } : { prefix: path, headers };
}

function readForward(reader: Reader): RouteAction {
  const kind = onlyOne(reader, ["cluster", "weightedClusters"]);
  if (kind !== "weightedClusters") {
    return { kind: "forward", clusters: [{ cluster: reader.get("cluster").text(), weight: 1 }] };
  }
  const weighted = reader.get("weightedClusters");
  const clusters = weighted.items.map((item) => ({
    cluster: item.get("cluster").text(),
    weight: item.get("weight").number(0),
  }));
  if (clusters.length > 0 && clusters.every((one) => one.weight === 0)) {
    weighted.problem("bad_weights", "all weights are 0, so no request could go anywhere", {
      hint: "give at least one cluster a weight above 0",
    });
  }
  return { kind: "forward", clusters };
}

function readAction(reader: Reader, listener: string): RouteAction {
  const kind = onlyOne(reader, ["route", "directResponse", "connect"]);
  if (kind === "connect") return readConnect(reader, listener);
  if (kind !== "directResponse") return readForward(reader.get("route"));
  const direct = reader.get("directResponse");
  return { kind: "direct", status: direct.get("status").number(200), body: direct.get("body").text() };
}

function readRouteFilters(reader: Reader): RouteFilters {
  return {
    add: reader.get("add").strings(),
    disable: reader.get("disable").strings(),
    override: Object.fromEntries(reader.get("override").entries.map(([name, patch]) => [name, patch.value])),
  };
}

function readRoute(reader: Reader, listener: string): RouteOptions {
  return {
    name: reader.get("name").text(),
    match: readMatch(reader.get("match")),
    action: readAction(reader, listener),
    timeoutMs: reader.get("timeout").durationMs(15_000),
    filters: readRouteFilters(reader.get("filters")),
    ...readUpgrades(reader.get("upgrades")),
  };
}

function readLimits(reader: Reader): ListenerLimits {
  return {
    maxHeaderBytes: reader.get("maxHeaderBytes").bytes(64 * KiB),
    maxHeaders: reader.get("maxHeaders").number(100),
    maxBodyBytes: reader.get("maxBodyBytes").bytes(0),
    headerTimeoutMs: reader.get("headerTimeout").durationMs(10_000),
    requestTimeoutMs: reader.get("requestTimeout").durationMs(300_000),
    streamIdleTimeoutMs: reader.get("streamIdleTimeout").durationMs(300_000),
    idleTimeoutMs: reader.get("idleTimeout").durationMs(60_000),
    maxRequestsPerConnection: reader.get("maxRequestsPerConnection").number(0),
    bufferBytes: reader.get("bufferBytes").bytes(64 * KiB),
    maxConnections: reader.get("maxConnections").number(10_000),
    maxActiveRequests: reader.get("maxActiveRequests").number(0),
    maxLoopLagMs: reader.get("maxLoopLag").durationMs(0),
  };
}

function readAccessLog(reader: Reader): AccessLogOptions | null {
  if (!reader.isPresent) return null;
  return { format: reader.get("format").oneOf(["json", "text"], "json"), path: reader.get("path").text("-") };
}

function readArmHeader(reader: Reader): string {
  const name = reader.text();
  if (name !== "" && (!HEADER_NAME.test(name) || name.startsWith(":"))) {
    reader.problem("bad_header_name", `"${name}" is not a header name`);
  }
  return name.toLowerCase();
}

/** One listener, defaults filled in. `chain` is what it gets when it lists no filters itself; on TCP that is none. */
export function readListener(reader: Reader, chain: readonly string[], files: Files): ListenerOptions {
  const filters = reader.get("filters");
  const tcp = readTcp(reader);
  const byDefault = tcp === undefined ? chain : [];
  const http2 = tcp === undefined ? readHttp2(reader.get("http2")) : undefined;
  const name = reader.get("name").text();
  const routes = reader.get("routes").items.map((route) => readRoute(route, name));
  const spoken = http2 === undefined ? ["http/1.1"] : ["h2", "http/1.1"];
  const tls = readServerTls(reader.get("tls"), files, tcp === undefined ? spoken : []);
  return {
    name,
    ...readAddress(reader.get("address"), { host: "127.0.0.1", port: 0 }),
    accessLog: readAccessLog(reader.get("accessLog")),
    filters: filters.isPresent ? filters.strings() : byDefault,
    routes,
    ...(routes.some((route) => route.match.connect) ? { connect: true as const } : {}),
    limits: readLimits(reader.get("limits")),
    armHeader: readArmHeader(reader.get("armHeader")),
    ...readUpgrades(reader.get("upgrades")),
    ...(http2 === undefined ? {} : { http2 }),
    ...(tcp === undefined ? {} : { tcp }),
    ...(tls === undefined ? {} : { tls }),
    ...readProxyProtocol(reader.get("proxyProtocol")),
    ...readForwarding(reader.get("forwarding")),
  };
}
